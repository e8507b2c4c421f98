# Who runs cloudbuild.yaml and cloudbuild.deploy.yaml, and when. A pull request is looked at by an account that changes
# nothing; what is on the branch is checked, deployed to the first environment, and handed from there to the next, whose
# trigger waits for a person where var.pipeline.approval says so.

locals {
  pipeline = var.pipeline == null ? {} : { pipeline = var.pipeline }
  checking = try(var.pipeline.checks, false) ? { pipeline = var.pipeline } : {}
  built = var.pipeline == null ? {} : {
    _ARTEFACTS   = module.bucket["artefacts"].name
    _BUILDER     = var.pipeline.builder
    _ENVIRONMENT = var.environment
    _REGION      = var.region
  }
}

resource "google_service_account" "looks" {
  for_each     = local.checking
  project      = local.project
  account_id   = "tombola-looks"
  display_name = "Checks pull requests, and plans what they would change"
}

resource "google_project_iam_member" "looks" {
  # checkov:skip=CKV_GCP_117: a plan reads every kind of resource, of this environment alone; it has no personal data but a test's
  for_each = length(local.checking) == 0 ? toset([]) : toset(["roles/iam.securityReviewer", "roles/logging.logWriter", "roles/viewer"])
  project  = local.project
  role     = each.value
  member   = google_service_account.looks["pipeline"].member
}

# What it checked it may add, and nothing else: caches that a pull request wrote would be read by what is deployed.
resource "google_storage_bucket_iam_member" "looks" {
  for_each = local.checking
  bucket   = module.bucket["artefacts"].name
  role     = "roles/storage.objectCreator"
  member   = google_service_account.looks[each.key].member

  condition {
    title      = "checked-only"
    expression = "resource.name.startsWith(\"projects/_/buckets/${module.bucket["artefacts"].name}/objects/checked/\")"
  }
}

resource "google_cloudbuild_trigger" "pull_request" {
  for_each        = local.checking
  project         = local.project
  location        = var.region
  name            = "pull-request"
  description     = "Checks a pull request, and shows what it would change in ${var.environment}."
  filename        = "cloudbuild.yaml"
  service_account = google_service_account.looks[each.key].id
  substitutions   = local.built

  repository_event_config {
    repository = each.value.repository
    pull_request {
      branch          = "^${each.value.branch}$"
      comment_control = "COMMENTS_ENABLED_FOR_EXTERNAL_CONTRIBUTORS_ONLY"
    }
  }
}

resource "google_cloudbuild_trigger" "branch" {
  for_each        = local.checking
  project         = local.project
  location        = var.region
  name            = "branch"
  description     = "Checks what is on ${each.value.branch}, and starts its deployment."
  filename        = "cloudbuild.yaml"
  service_account = google_service_account.ci["deploy"].id
  substitutions   = merge(local.built, { _NEXT = "${var.project}/${var.region}/${google_cloudbuild_trigger.deploy[each.key].name}" })

  repository_event_config {
    repository = each.value.repository
    push {
      branch = "^${each.value.branch}$"
    }
  }
}

# Nothing happens to start it: tools/promote.py does, on the commit that passed before.
resource "google_cloudbuild_trigger" "deploy" {
  for_each        = local.pipeline
  project         = local.project
  location        = var.region
  name            = "deploy"
  description     = "Deploys a commit to ${var.environment}."
  service_account = google_service_account.ci["deploy"].id
  substitutions   = merge(local.built, { _NEXT = each.value.next, _WATCH_SECONDS = tostring(each.value.watch_seconds) })

  source_to_build {
    repository = each.value.repository
    ref        = "refs/heads/${each.value.branch}"
    repo_type  = "GITHUB"
  }

  git_file_source {
    path       = "cloudbuild.deploy.yaml"
    repository = each.value.repository
    revision   = "refs/heads/${each.value.branch}"
    repo_type  = "GITHUB"
  }

  approval_config {
    approval_required = each.value.approval
  }
}

# The account of the environment before may start a deployment here; people approve it.
resource "google_project_iam_custom_role" "starter" {
  for_each    = local.pipeline
  project     = local.project
  role_id     = "tombolaDeploymentStarter"
  title       = "Tombola: starts deployments"
  description = "Runs triggers of Cloud Build; may give away no account."
  permissions = ["cloudbuild.builds.create", "cloudbuild.builds.get"]
}

resource "google_project_iam_member" "starts_deployments" {
  for_each = try(var.pipeline.started_by, null) == null ? toset([]) : toset([var.pipeline.started_by])
  project  = local.project
  role     = "projects/${var.project}/roles/${google_project_iam_custom_role.starter["pipeline"].role_id}"
  member   = each.value
}

resource "google_project_iam_member" "approves_deployments" {
  for_each = try(var.pipeline.approval, false) ? toset(var.operators) : toset([])
  project  = local.project
  role     = "roles/cloudbuild.builds.approver"
  member   = each.value
}
