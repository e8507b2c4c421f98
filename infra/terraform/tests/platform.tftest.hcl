# The whole, with a provider that makes everything up.

mock_provider "google" {}

override_resource {
  target          = google_data_catalog_policy_tag.personal
  override_during = plan
  values          = { name = "projects/a-project/locations/eu/taxonomies/1/policyTags/2" }
}

variables {
  project         = "a-project"
  project_number  = "1"
  environment     = "test"
  region          = "europe-west1"
  location        = "EU"
  bucket_prefix   = "a-project-"
  bundles         = {}
  operators       = ["group:people@example.com"]
  alert_addresses = ["people@example.com"]
  first_rotation  = "2030-01-01T00:00:00Z"
}

run "the_platform_comes_before_any_bundle" {
  command = plan

  assert {
    condition     = length(module.function) == 0 && length(module.bucket) == length(local.topology.buckets) + 2
    error_message = "without bundles there are no functions, and all that they need"
  }
  assert {
    condition = alltrue([
      for name in ["shopper", "household"] : alltrue([
        for column in jsondecode(google_bigquery_table.stored["feed_orders_rows"].schema) : can(column.policyTags) if column.name == name
      ])
    ])
    error_message = "columns that tell of one person bear the policy tag"
  }
  assert {
    condition     = length([for column in jsondecode(google_bigquery_table.stored["order_recorded_messages"].schema) : column if can(column.policyTags)]) == 2
    error_message = "the text of an event bears the policy tag"
  }
  assert {
    condition     = length(google_firestore_index.composite) == length(local.documents.composite_indexes)
    error_message = "every composite index that the code declares is made"
  }
}

run "a_project_is_named_and_numbered" {
  command = plan
  variables {
    project_number = "a-project"
  }
  expect_failures = [var.project_number]
}

run "a_function_without_a_bundle_is_named" {
  command = plan
  variables {
    bundles = { play_game = "0000000000000000000000000000000000000000000000000000000000000000" }
  }
  expect_failures = [output.functions]
}
