# Topics, one per lane. No Pub/Sub schemas: events carry their own version, and consumers ignore fields they do not know.

locals {
  topic_names   = toset(flatten([for lanes in values(local.topology.topics) : values(lanes)]))
  dead_letters  = local.topology.dead_letters
  messages_kept = "${local.retention.messages_days * 86400}s"
  letters_kept  = "${local.retention.dead_letters_days * 86400}s"
}

resource "google_pubsub_topic" "this" {
  # checkov:skip=CKV_GCP_83: with var.encryption_key every topic has it; without, Google's keys are what was asked for
  for_each                   = local.topic_names
  project                    = local.project
  name                       = each.value
  message_retention_duration = local.messages_kept # so that a subscription can be set back in time
  kms_key_name               = var.encryption_key
  depends_on                 = [google_kms_crypto_key_iam_member.agents]

  message_storage_policy {
    allowed_persistence_regions = [var.region]
  }
}

# Dead letters wait here for somebody to read, mend and send them again.
resource "google_pubsub_subscription" "dead_letters" {
  project                    = local.project
  name                       = "${local.dead_letters}-kept"
  topic                      = google_pubsub_topic.this[local.dead_letters].id
  ack_deadline_seconds       = 600
  message_retention_duration = local.letters_kept

  expiration_policy {
    ttl = "" # never
  }
}

# Pub/Sub moves messages that were delivered too often.
resource "google_pubsub_topic_iam_member" "moves_dead_letters" {
  project = local.project
  topic   = google_pubsub_topic.this[local.dead_letters].name
  role    = "roles/pubsub.publisher"
  member  = local.agents.pubsub
}

resource "google_pubsub_subscription_iam_member" "operators_read_dead_letters" {
  for_each     = toset(var.operators)
  project      = local.project
  subscription = google_pubsub_subscription.dead_letters.name
  role         = "roles/pubsub.subscriber"
  member       = each.value
}
