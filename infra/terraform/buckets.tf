# Buckets by their logical names, as the code knows them (generated/topology.json), and two that only the platform knows.

locals {
  topology = jsondecode(file("${path.module}/generated/topology.json"))
  kept_days = {
    inbox   = local.retention.inbox_days
    rejects = local.retention.rejects_days
    staging = local.retention.staging_days
  }
}

module "bucket" {
  for_each          = toset(concat(local.topology.buckets, ["web", "artefacts"]))
  source            = "./modules/bucket"
  project           = local.project
  location          = var.location
  prefix            = var.bucket_prefix
  name              = each.value
  public            = each.value == "web"
  days              = lookup(local.kept_days, each.value, null)
  older_copies_days = local.retention.objects_older_days
  held_days         = each.value == "audit" ? local.retention.audit_days : null
  held_for_ever     = each.value == "audit" && var.protect
  encryption_key    = var.encryption_key
  depends_on        = [google_kms_crypto_key_iam_member.agents]
}

# New objects of these buckets are announced on a topic; the functions' own subscriptions listen to that.
resource "google_storage_notification" "new_objects" {
  for_each       = local.topology.notifications
  bucket         = module.bucket[each.key].name
  topic          = google_pubsub_topic.this[each.value].id
  payload_format = "JSON_API_V1"
  event_types    = ["OBJECT_FINALIZE"]
  depends_on     = [google_pubsub_topic_iam_member.storage_announces]
}

resource "google_pubsub_topic_iam_member" "storage_announces" {
  for_each   = local.topology.notifications
  project    = local.project
  topic      = google_pubsub_topic.this[each.value].name
  role       = "roles/pubsub.publisher"
  member     = local.agents.storage
  depends_on = [data.google_storage_project_service_account.this]
}
