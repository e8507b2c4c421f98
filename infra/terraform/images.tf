# Where code lies: bundles by the hash of their content in the bucket artefacts, images in a repository, by the same hash.

resource "google_artifact_registry_repository" "functions" {
  # checkov:skip=CKV_GCP_84: with var.encryption_key it has the key; without, Google's keys are what was asked for
  project       = local.project
  location      = var.region
  repository_id = "functions"
  description   = "What functions run: an image per function and content."
  format        = "DOCKER"
  kms_key_name  = var.encryption_key
  depends_on    = [google_kms_crypto_key_iam_member.agents]

  docker_config {
    immutable_tags = true # a tag is the hash of what is in it
  }

  cleanup_policies {
    id     = "keep-what-can-be-gone-back-to"
    action = "KEEP"
    most_recent_versions {
      keep_count = 20
    }
  }

  cleanup_policies {
    id     = "drop-the-rest"
    action = "DELETE"
    condition {
      older_than = "7776000s" # 90 days
    }
  }
}

locals {
  repository = "${var.region}-docker.pkg.dev/${var.project}/${google_artifact_registry_repository.functions.repository_id}"
}
