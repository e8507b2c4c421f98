# Roles that are narrower than Google's own, and the accounts that call and build functions.

resource "google_project_iam_custom_role" "object_writer" {
  project     = local.project
  role_id     = "tombolaObjectWriter"
  title       = "Tombola: writes objects"
  description = "Creates, writes over and deletes objects of a bucket, and cannot read them."
  permissions = ["storage.objects.create", "storage.objects.delete"]
}

resource "google_project_iam_custom_role" "key_reader" {
  project     = local.project
  role_id     = "tombolaKeyReader"
  title       = "Tombola: reads keys"
  description = "Reads versions of secrets and which there are. Granted with a condition on their names only."
  permissions = ["secretmanager.versions.access", "secretmanager.versions.get", "secretmanager.versions.list"]
}

locals {
  accounts = {
    push    = "Pub/Sub shows this account when it pushes a message"
    clock   = "Cloud Scheduler shows this account when it calls"
    builder = "Builds functions from their bundles"
  }
  # Written out, so that a plan shows who may do what before roles and accounts exist.
  custom_roles = {
    object_writer = "projects/${var.project}/roles/${google_project_iam_custom_role.object_writer.role_id}"
    key_reader    = "projects/${var.project}/roles/${google_project_iam_custom_role.key_reader.role_id}"
  }
  addresses = { for name in keys(local.accounts) : name => "tombola-${name}@${var.project}.iam.gserviceaccount.com" }
}

resource "google_service_account" "platform" {
  for_each     = local.accounts
  project      = local.project
  account_id   = "tombola-${each.key}"
  display_name = each.value
}

# Pub/Sub makes the tokens that its pushes carry.
resource "google_service_account_iam_member" "pubsub_makes_tokens" {
  service_account_id = google_service_account.platform["push"].name
  role               = "roles/iam.serviceAccountOpenIdTokenCreator"
  member             = local.agents.pubsub
}

# The builder reads bundles, keeps what it built in the repository, and writes its log beside the bundles.
resource "google_storage_bucket_iam_member" "builder" {
  for_each = { reads = "roles/storage.objectViewer", logs = local.custom_roles.object_writer }
  bucket   = module.bucket["artefacts"].name
  role     = each.value
  member   = google_service_account.platform["builder"].member
}

resource "google_artifact_registry_repository_iam_member" "builder_writes_images" {
  project    = local.project
  location   = google_artifact_registry_repository.functions.location
  repository = google_artifact_registry_repository.functions.name
  role       = "roles/artifactregistry.writer"
  member     = google_service_account.platform["builder"].member
}
