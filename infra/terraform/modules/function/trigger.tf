# How it is called: our own push subscription per lane (a bucket's through the topic that announces its objects), a
# schedule, or HTTP. Pub/Sub pushes with a token of the push account, and so does the scheduler with its own.

locals {
  listens_to = try(var.function.trigger.kind == "bucket" ? {
    live = var.world.notifications[var.function.trigger.bucket]
    } : {
    for lane in local.lanes : lane => var.world.topics[var.function.trigger.topic][lane]
  }, {})
  subscriptions = local.events ? { for lane, service in local.services : lane => { name = service, topic = local.listens_to[lane] } } : {}
  callers = (
    local.events ? [var.callers.push] :
    var.function.trigger.kind == "schedule" ? [var.callers.clock] :
    local.public ? [] : var.callers.operators
  )
  invocations = { for pair in setproduct(keys(local.services), local.callers) : "${pair[0]} ${pair[1]}" => { lane = pair[0], caller = pair[1] } }
}

resource "google_cloud_run_v2_service_iam_member" "calls" {
  for_each = local.invocations
  project  = var.place.project
  location = var.place.region
  name     = google_cloud_run_v2_service.this[each.value.lane].name
  role     = "roles/run.invoker"
  member   = each.value.caller
}

resource "google_pubsub_subscription" "this" {
  for_each                   = local.subscriptions
  project                    = var.place.project
  name                       = each.value.name
  topic                      = each.value.topic
  ack_deadline_seconds       = var.function.sizing.ack_deadline
  message_retention_duration = "${var.function.sizing.retention_days * 86400}s"
  enable_message_ordering    = false # merging is commutative, and one poison message must not block its key
  labels                     = { function = var.function.service, lane = each.key }

  push_config {
    push_endpoint = google_cloud_run_v2_service.this[each.key].uri
    oidc_token {
      service_account_email = trimprefix(var.callers.push, "serviceAccount:")
      audience              = google_cloud_run_v2_service.this[each.key].uri
    }
  }

  retry_policy {
    minimum_backoff = "${var.function.sizing.minimum_backoff}s"
    maximum_backoff = "${var.function.sizing.maximum_backoff}s"
  }

  dead_letter_policy {
    dead_letter_topic     = "projects/${var.place.project}/topics/${var.dead_letters}"
    max_delivery_attempts = var.function.sizing.max_attempts
  }

  expiration_policy {
    ttl = "" # never: a quiet month must not end it
  }
}

# Pub/Sub moves a message to the dead letters by itself: it takes it from this subscription. (That it may publish to
# the dead letters is granted once, beside that topic.)
resource "google_pubsub_subscription_iam_member" "moves_dead_letters" {
  for_each     = google_pubsub_subscription.this
  project      = var.place.project
  subscription = each.value.name
  role         = "roles/pubsub.subscriber"
  member       = var.callers.pubsub_agent
}

resource "google_cloud_scheduler_job" "this" {
  count            = var.function.trigger.kind == "schedule" ? 1 : 0
  project          = var.place.project
  region           = var.place.region
  name             = var.function.service
  description      = var.function.summary
  schedule         = var.function.trigger.schedule
  time_zone        = "Etc/UTC"
  attempt_deadline = "${var.function.sizing.timeout}s"

  http_target {
    http_method = "POST"
    uri         = google_cloud_run_v2_service.this["live"].uri
    oidc_token {
      service_account_email = trimprefix(var.callers.clock, "serviceAccount:")
      audience              = google_cloud_run_v2_service.this["live"].uri
    }
  }

  retry_config {
    retry_count          = 3 # the next call does what this one did not
    min_backoff_duration = "${var.function.sizing.minimum_backoff}s"
    max_backoff_duration = "${var.function.sizing.maximum_backoff}s"
  }
}
