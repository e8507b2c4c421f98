# The interfaces of Google Cloud that are used, and nothing else is switched on.

locals {
  services = concat([
    "artifactregistry", "bigquery", "bigquerystorage", "billingbudgets", "cloudbuild", "cloudscheduler", "datacatalog",
    "firestore", "iam", "iamcredentials", "logging", "monitoring", "pubsub", "run", "secretmanager", "storage",
    "telemetry",
    ],
    var.domain == null ? [] : ["compute"],
    var.analysis || var.composer ? ["compute", "dataproc", "aiplatform"] : [],
    var.composer ? ["composer"] : [],
    var.encryption_key == null ? [] : ["cloudkms"],
    var.continuous_integration == null ? [] : ["sts"],
  )

  # Whatever takes its project from here waits until the interfaces are switched on.
  project = one(distinct([for service in google_project_service.this : service.project]))

  # Google's own accounts that act for us; each exists once its service was switched on.
  agents = {
    bigquery  = "serviceAccount:bq-${var.project_number}@bigquery-encryption.iam.gserviceaccount.com"
    firestore = "serviceAccount:service-${var.project_number}@gcp-sa-firestore.iam.gserviceaccount.com"
    pubsub    = "serviceAccount:service-${var.project_number}@gcp-sa-pubsub.iam.gserviceaccount.com"
    registry  = "serviceAccount:service-${var.project_number}@gcp-sa-artifactregistry.iam.gserviceaccount.com"
    run       = "serviceAccount:service-${var.project_number}@serverless-robot-prod.iam.gserviceaccount.com"
    secrets   = "serviceAccount:service-${var.project_number}@gcp-sa-secretmanager.iam.gserviceaccount.com"
    storage   = "serviceAccount:service-${var.project_number}@gs-project-accounts.iam.gserviceaccount.com"
  }
}

resource "google_project_service" "this" {
  for_each           = toset(local.services)
  project            = var.project
  service            = "${each.value}.googleapis.com"
  disable_on_destroy = false # others in the project may use it
}

# Reading it makes Cloud Storage's agent exist, which must be there before it is granted anything.
data "google_storage_project_service_account" "this" {
  project    = local.project
  depends_on = [google_project_service.this]
}
