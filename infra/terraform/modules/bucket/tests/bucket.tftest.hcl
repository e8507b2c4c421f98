mock_provider "google" {}

variables {
  project           = "a-project"
  location          = "EU"
  prefix            = "a-project-"
  name              = "inbox"
  days              = 14
  older_copies_days = 7
}

run "a_bucket_is_closed_and_forgets" {
  command = plan

  assert {
    condition     = google_storage_bucket.this.public_access_prevention == "enforced" && google_storage_bucket.this.uniform_bucket_level_access
    error_message = "a bucket is closed to everybody, and nobody is let in object by object"
  }
  assert {
    condition     = contains([for rule in google_storage_bucket.this.lifecycle_rule : one(rule.condition).age if one(rule.action).type == "Delete"], 14)
    error_message = "objects leave after the days that were asked for"
  }
  assert {
    condition     = length(google_storage_bucket_iam_member.everybody_reads) == 0
    error_message = "nobody is let in who was not named"
  }
}

run "only_web_is_public" {
  command = plan
  variables {
    public = true
  }
  expect_failures = [var.public]
}

run "web_is_public" {
  command = plan
  variables {
    name   = "web"
    public = true
  }
  assert {
    condition     = google_storage_bucket_iam_member.everybody_reads[0].role == "roles/storage.objectViewer"
    error_message = "everybody reads the game page, and can do no more"
  }
}

run "what_is_held_has_no_versions" {
  command = plan
  variables {
    name      = "audit"
    days      = null
    held_days = 3653
  }
  assert {
    condition     = one(google_storage_bucket.this.retention_policy).retention_period == 3653 * 86400
    error_message = "objects are held for the days that were asked for"
  }
}
