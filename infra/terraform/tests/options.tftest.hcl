# What neither dev nor prod asks for: a key of one's own, Airflow, a traffic split.

mock_provider "google" {}

variables {
  project         = "a-project"
  project_number  = "1"
  environment     = "test"
  region          = "europe-west1"
  location        = "europe-west1"
  bucket_prefix   = "a-project-"
  bundles         = {}
  operators       = ["group:people@example.com"]
  alert_addresses = ["people@example.com"]
  first_rotation  = "2030-01-01T00:00:00Z"
  encryption_key  = "projects/a-project/locations/europe-west1/keyRings/a-ring/cryptoKeys/a-key"
  composer        = true
}

run "one_key_encrypts_everything" {
  command = plan

  assert {
    condition     = alltrue([for one in google_pubsub_topic.this : one.kms_key_name == var.encryption_key]) && google_pubsub_topic.rotations.kms_key_name == var.encryption_key
    error_message = "every topic bears the key"
  }
  assert {
    condition     = alltrue([for one in google_bigquery_dataset.this : one(one.default_encryption_configuration).kms_key_name == var.encryption_key])
    error_message = "every dataset bears the key"
  }
  assert {
    condition     = one(google_firestore_database.this.cmek_config).kms_key_name == var.encryption_key && google_artifact_registry_repository.functions.kms_key_name == var.encryption_key
    error_message = "documents and images bear the key"
  }
  assert {
    condition     = alltrue([for one in google_secret_manager_secret.signing : one(one(one(one(one.replication).user_managed).replicas).customer_managed_encryption).kms_key_name == var.encryption_key])
    error_message = "secrets bear the key"
  }
  assert {
    condition     = length(google_kms_crypto_key_iam_member.agents) == length(local.agents)
    error_message = "whoever stores for us may use the key"
  }
  assert {
    condition     = google_composer_environment.airflow[0].name == "tombola" && length(google_compute_network.analysis) == 1
    error_message = "Airflow has a network"
  }
}

run "a_key_of_another_place_is_refused" {
  command = plan
  variables {
    location = "EU"
  }
  expect_failures = [var.encryption_key]
}

run "a_prefix_that_no_bucket_could_bear_is_refused" {
  command = plan
  variables {
    bucket_prefix = "Tombola"
  }
  expect_failures = [var.bucket_prefix]
}
