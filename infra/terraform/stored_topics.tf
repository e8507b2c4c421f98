# What only needs storing goes from its topic straight into a table: no function is called, none can fail.

locals {
  stores = local.topology.stores # subscription -> topic and table
}

resource "google_pubsub_subscription" "stores" {
  for_each                   = local.stores
  project                    = local.project
  name                       = each.key
  topic                      = google_pubsub_topic.this[each.value.topic].id
  ack_deadline_seconds       = each.value.ack_deadline
  message_retention_duration = local.messages_kept

  bigquery_config {
    table          = "${var.project}.${local.dataset}.${google_bigquery_table.stored[local.warehouse.messages[each.value.table]].table_id}"
    write_metadata = true # message id, time of publishing and attributes; the message itself is the column data
  }

  retry_policy {
    minimum_backoff = "${each.value.minimum_backoff}s"
    maximum_backoff = "${each.value.maximum_backoff}s"
  }

  dead_letter_policy {
    dead_letter_topic     = "projects/${var.project}/topics/${local.dead_letters}"
    max_delivery_attempts = each.value.max_attempts
  }

  expiration_policy {
    ttl = "" # never
  }

  depends_on = [google_bigquery_table_iam_member.pubsub_writes, google_pubsub_topic_iam_member.moves_dead_letters]
}

resource "google_pubsub_subscription_iam_member" "stores_move_dead_letters" {
  for_each     = google_pubsub_subscription.stores
  project      = local.project
  subscription = each.value.name
  role         = "roles/pubsub.subscriber"
  member       = local.agents.pubsub
}

resource "google_bigquery_table_iam_member" "pubsub_writes" {
  for_each   = { for pair in setproduct(values(local.warehouse.messages), ["dataEditor", "metadataViewer"]) : join(" ", pair) => pair }
  project    = local.project
  dataset_id = local.dataset
  table_id   = google_bigquery_table.stored[each.value[0]].table_id
  role       = "roles/bigquery.${each.value[1]}"
  member     = local.agents.pubsub
}
