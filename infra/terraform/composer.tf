# Cloud Composer, for those who have Airflow anyway. Nothing of Tombola needs it: schedules are Cloud Scheduler's.

resource "google_composer_environment" "airflow" {
  count   = var.composer ? 1 : 0
  project = local.project
  region  = var.region
  name    = "tombola"

  config {
    environment_size = "ENVIRONMENT_SIZE_SMALL"
    node_config {
      network         = google_compute_network.analysis["analysis"].id
      subnetwork      = google_compute_subnetwork.analysis["analysis"].id
      service_account = google_service_account.composer[0].email
    }
    software_config {
      image_version = "composer-3-airflow-2"
    }
    dynamic "encryption_config" {
      for_each = var.encryption_key == null ? [] : [var.encryption_key]
      content {
        kms_key_name = encryption_config.value
      }
    }
  }
}

resource "google_service_account" "composer" {
  count        = var.composer ? 1 : 0
  project      = local.project
  account_id   = "tombola-composer"
  display_name = "Cloud Composer: starts computations"
}

resource "google_project_iam_member" "composer" {
  for_each = var.composer ? toset(["roles/composer.worker", "roles/dataproc.editor", "roles/bigquery.jobUser"]) : []
  project  = local.project
  role     = each.value
  member   = google_service_account.composer[0].member
}
