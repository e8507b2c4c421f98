mock_provider "google" {}

variables {
  function = {
    name    = "ring_bell"
    service = "ring-bell"
    summary = "Rings."
    trigger = { kind = "topic", topic = "order-received", public = false, lanes = ["live", "bulk"] }

    publishes = ["order-recorded"]
    reads     = { documents = ["orders"], objects = ["config"], warehouse = [] }
    writes    = { documents = [], objects = ["staging"], warehouse = ["feed_orders"] }
    secrets   = ["token-signing", "campaign-*-id"]
    package   = "bundle"
    sizing = {
      memory          = "1Gi"
      timeout         = 540
      concurrency     = 1
      max_attempts    = 100
      ack_deadline    = 600
      minimum_backoff = 10
      maximum_backoff = 600
      retention_days  = 7
    }
  }
  place = { project = "a-project", region = "europe-west1", key_prefix = "tombola-" }
  world = {
    buckets       = { config = "a-config", staging = "a-staging", inbox = "an-inbox" }
    topics        = { order-received = { live = "order-received", bulk = "order-received-bulk" }, order-recorded = { live = "order-recorded", bulk = "order-recorded-bulk" } }
    notifications = { inbox = "inbox-objects" }
    tables        = { feed_orders = { read = ["feed_orders"], write = ["feed_orders_rows", "loads"] } }
    dataset       = "events"
    scratch       = "events_scratch"
    database      = "projects/a-project/databases/(default)"
    personal_tag  = "a-tag"
  }
  roles        = { object_writer = "projects/a-project/roles/writer", key_reader = "projects/a-project/roles/reader" }
  callers      = { push = "serviceAccount:push@a", clock = "serviceAccount:clock@a", pubsub_agent = "serviceAccount:agent@a", operators = ["group:people@a"] }
  dead_letters = "dead-letters"
  code         = { hash = "0000000000000000000000000000000000000000000000000000000000000000", bucket = "artefacts", repository = "images" }
}

run "each_lane_has_a_service_and_a_subscription" {
  command = plan

  assert {
    condition     = toset(keys(google_cloud_run_v2_service.this)) == toset(["bulk", "live"]) && toset(keys(google_pubsub_subscription.this)) == toset(["bulk", "live"])
    error_message = "two lanes are two services and two subscriptions"
  }
  assert {
    condition     = google_pubsub_subscription.this["bulk"].topic == "order-received-bulk"
    error_message = "the bulk lane listens to the bulk topic"
  }
  assert {
    condition     = one(one(google_cloud_run_v2_service.this["bulk"].template).scaling).max_instance_count == 4
    error_message = "the bulk lane's rate is capped by its instances"
  }
  assert {
    condition     = alltrue([for one in google_pubsub_subscription.this : one(one.dead_letter_policy).dead_letter_topic == "projects/a-project/topics/dead-letters"])
    error_message = "every subscription has a dead-letter topic"
  }
}

run "grants_are_the_manifests" {
  command = plan

  assert {
    condition     = [for one in google_storage_bucket_iam_member.reads : one.bucket] == ["a-config"] && [for one in google_storage_bucket_iam_member.writes : one.bucket] == ["a-staging"]
    error_message = "buckets are granted one by one, to read or to write"
  }
  assert {
    condition     = google_project_iam_member.documents[0].role == "roles/datastore.viewer"
    error_message = "who writes no documents may not"
  }
  assert {
    condition     = toset(keys(google_pubsub_topic_iam_member.publishes)) == toset(["dead-letters", "order-recorded", "order-recorded-bulk"])
    error_message = "it publishes what it names, and its dead letters"
  }
  assert {
    condition     = toset([for one in google_bigquery_table_iam_member.tables : one.table_id]) == toset(["feed_orders_rows", "loads"])
    error_message = "tables are granted one by one"
  }
  assert {
    condition     = length(google_project_iam_member.keys) == 2 && alltrue([for one in google_project_iam_member.keys : length(one.condition) == 1])
    error_message = "keys are granted under a condition on their names"
  }
}

run "a_function_without_a_dead_letter_topic_is_refused" {
  command = plan
  variables {
    dead_letters = ""
  }
  expect_failures = [var.dead_letters]
}

run "code_that_is_no_bundle_is_refused" {
  command = plan
  variables {
    code = { hash = "latest", bucket = "artefacts", repository = "images" }
  }
  expect_failures = [var.code]
}

run "an_event_function_splits_no_traffic" {
  command = plan
  variables {
    split = { revision = "ring-bell-00001-abc", percent = 90 }
  }
  expect_failures = [google_cloud_run_v2_service.this]
}

run "an_http_function_splits_traffic" {
  command = plan
  variables {
    function = {
      name      = "answer_door"
      service   = "answer-door"
      summary   = "Answers."
      trigger   = { kind = "http", public = true, lanes = ["live"] }
      publishes = []
      reads     = { documents = [], objects = [], warehouse = [] }
      writes    = { documents = [], objects = [], warehouse = [] }
      secrets   = ["webhook-*"]
      package   = "image"
      sizing    = { memory = "512Mi", timeout = 540, concurrency = 16, max_attempts = 100, ack_deadline = 600, minimum_backoff = 10, maximum_backoff = 600, retention_days = 7 }
    }
    split = { revision = "answer-door-00001-abc", percent = 90 }
  }

  assert {
    condition     = [for part in google_cloud_run_v2_service.this["live"].traffic : part.percent] == [90, 10]
    error_message = "the older revision keeps its share, the newest gets the rest"
  }
  assert {
    condition     = length(google_cloud_run_v2_service.this["live"].build_config) == 0
    error_message = "an image is not built from a bundle"
  }
  assert {
    condition     = length(google_pubsub_subscription.this) == 0 && length(google_cloud_run_v2_service_iam_member.calls) == 0
    error_message = "nothing calls it but who knows its address"
  }
}
