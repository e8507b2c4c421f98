# Who looked at what: Google's data access logs for the stores that hold what is somebody's. And how long logs are kept.

resource "google_project_iam_audit_config" "stores" {
  for_each = toset(["bigquery", "firestore", "datastore", "secretmanager", "storage"])
  project  = local.project
  service  = "${each.value}.googleapis.com"

  audit_log_config {
    log_type = "ADMIN_READ"
  }
  audit_log_config {
    log_type = "DATA_WRITE"
  }
  audit_log_config {
    log_type = "DATA_READ"
    # The functions' own reading is their work, and as much again as all they read; what people read is of interest.
    exempted_members = [for one in module.function : "serviceAccount:${one.account}"]
  }
}

resource "google_logging_project_bucket_config" "default" {
  project        = local.project
  location       = "global"
  bucket_id      = "_Default"
  retention_days = local.retention.logs_days
}
