# Who deploys: the triggers of pipeline.tf, or a repository's own runs by the tokens that its CI issues (workload
# identity). There is no key file.

locals {
  deploying = var.continuous_integration == null && var.pipeline == null ? {} : { deploy = true }
  deployer  = length(local.deploying) == 0 ? null : "serviceAccount:tombola-deploy@${var.project}.iam.gserviceaccount.com"
  ci        = var.continuous_integration == null ? {} : { deploy = var.continuous_integration }
  ci_pool   = "projects/${var.project_number}/locations/global/workloadIdentityPools/continuous-integration"
  deploys = [
    "roles/artifactregistry.admin", "roles/bigquery.admin", "roles/cloudbuild.builds.editor", "roles/cloudscheduler.admin",
    "roles/compute.admin", "roles/datacatalog.admin", "roles/datastore.owner", "roles/iam.roleAdmin",
    "roles/iam.serviceAccountAdmin", "roles/iam.workloadIdentityPoolAdmin", "roles/logging.admin",
    "roles/monitoring.admin", "roles/pubsub.admin", "roles/resourcemanager.projectIamAdmin", "roles/run.admin", "roles/secretmanager.admin",
    "roles/serviceusage.serviceUsageAdmin", "roles/storage.admin",
  ]
}

resource "google_iam_workload_identity_pool" "ci" {
  for_each                  = local.ci
  project                   = local.project
  workload_identity_pool_id = basename(local.ci_pool)
  display_name              = "Continuous integration"
}

resource "google_iam_workload_identity_pool_provider" "ci" {
  for_each                           = local.ci
  project                            = local.project
  workload_identity_pool_id          = google_iam_workload_identity_pool.ci[each.key].workload_identity_pool_id
  workload_identity_pool_provider_id = "repository"
  attribute_condition                = "assertion.sub == \"${each.value.subject}\""
  attribute_mapping                  = { "google.subject" = "assertion.sub" }

  oidc {
    issuer_uri = each.value.issuer
  }
}

resource "google_service_account" "ci" {
  for_each     = local.deploying
  project      = local.project
  account_id   = "tombola-${each.key}"
  display_name = "Applies this configuration"
}

resource "google_service_account_iam_member" "ci" {
  depends_on         = [google_iam_workload_identity_pool_provider.ci]
  for_each           = local.ci
  service_account_id = google_service_account.ci[each.key].name
  role               = "roles/iam.workloadIdentityUser"
  member             = "principal://iam.googleapis.com/${local.ci_pool}/subject/${each.value.subject}"
}

resource "google_project_iam_member" "ci" {
  # checkov:skip=CKV_GCP_49: whoever applies this makes accounts and starts builds; only the runs of one branch may
  for_each = length(local.deploying) == 0 ? toset([]) : toset(local.deploys)
  project  = local.project
  role     = each.value
  member   = google_service_account.ci["deploy"].member
}

# Which accounts it may give away: the functions' (in their module), and the builder's.
resource "google_service_account_iam_member" "ci_builds" {
  for_each           = local.deploying
  service_account_id = google_service_account.platform["builder"].name
  role               = "roles/iam.serviceAccountUser"
  member             = google_service_account.ci[each.key].member
}
