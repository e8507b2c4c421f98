# Keys that live as long as the environment. Keys of retailers and of campaigns are made by the command line, one secret
# each, under the same prefix: a new retailer is no change here. Terraform holds no secret value, so its state has none.

locals {
  key_prefix = "tombola-"
  signing    = ["token-signing", "receipt-signing", "head-signing"]
}

resource "google_secret_manager_secret" "signing" {
  for_each            = toset(local.signing)
  project             = local.project
  secret_id           = "${local.key_prefix}${each.value}"
  version_destroy_ttl = "604800s" # a version destroyed by mistake can be brought back for a week
  deletion_protection = var.protect
  depends_on          = [google_pubsub_topic_iam_member.secrets_announce, google_kms_crypto_key_iam_member.agents]

  replication {
    user_managed {
      replicas {
        location = var.region
        dynamic "customer_managed_encryption" {
          for_each = var.encryption_key == null ? [] : [var.encryption_key]
          content {
            kms_key_name = customer_managed_encryption.value
          }
        }
      }
    }
  }

  # It only says that it is time: who rotates adds a version, and what was signed before stays valid by the older one.
  rotation {
    rotation_period    = "7776000s" # 90 days
    next_rotation_time = var.first_rotation
  }

  topics {
    name = google_pubsub_topic.rotations.id
  }

  lifecycle {
    ignore_changes = [rotation[0].next_rotation_time]
  }
}

resource "google_pubsub_topic" "rotations" {
  # checkov:skip=CKV_GCP_83: with var.encryption_key it has the key; it carries names, no values
  project                    = local.project
  name                       = "key-rotations"
  message_retention_duration = local.messages_kept
  kms_key_name               = var.encryption_key
  depends_on                 = [google_kms_crypto_key_iam_member.agents]
}

resource "google_pubsub_topic_iam_member" "secrets_announce" {
  project = local.project
  topic   = google_pubsub_topic.rotations.name
  role    = "roles/pubsub.publisher"
  member  = local.agents.secrets
}

resource "google_pubsub_subscription" "rotations" {
  project                    = local.project
  name                       = "key-rotations-kept"
  topic                      = google_pubsub_topic.rotations.id
  ack_deadline_seconds       = 600
  message_retention_duration = local.messages_kept

  expiration_policy {
    ttl = "" # never
  }
}
