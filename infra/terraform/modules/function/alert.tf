# One alarm per function: it answers with outages, or its oldest message waits too long.

locals {
  service_filter = join(" OR ", [for service in values(local.services) : "resource.labels.service_name = \"${service}\""])
  failures = join(" AND ", [
    "resource.type = \"cloud_run_revision\"",
    "metric.type = \"run.googleapis.com/request_count\"",
    "metric.labels.response_code_class = \"5xx\"",
    "(${local.service_filter})",
  ])
  # In five minutes. What a clock calls fails four times before it waits for the next call, and that must be seen.
  most_failures = var.function.trigger.kind == "schedule" ? 3 : 15
  # Bulk may wait its turn; but messages are kept for days, and after that they are gone.
  longest_wait = { live = var.alerts.oldest_message, bulk = 86400 }
}

resource "google_monitoring_alert_policy" "this" {
  project               = var.place.project
  display_name          = "${local.name} fails or falls behind"
  combiner              = "OR"
  severity              = local.public ? "CRITICAL" : "ERROR"
  notification_channels = var.alerts.channels
  user_labels           = { function = var.function.service }

  conditions {
    display_name = "answers 5xx"
    condition_threshold {
      filter          = local.failures
      comparison      = "COMPARISON_GT"
      threshold_value = local.most_failures
      duration        = "0s"
      aggregations {
        alignment_period     = "300s"
        per_series_aligner   = "ALIGN_DELTA"
        cross_series_reducer = "REDUCE_SUM"
      }
    }
  }

  dynamic "conditions" {
    for_each = local.subscriptions
    content {
      display_name = "oldest message of ${conditions.value.name} waits"
      condition_threshold {
        filter = join(" AND ", [
          "resource.type = \"pubsub_subscription\"",
          "metric.type = \"pubsub.googleapis.com/subscription/oldest_unacked_message_age\"",
          "resource.labels.subscription_id = \"${conditions.value.name}\"",
        ])
        comparison      = "COMPARISON_GT"
        threshold_value = local.longest_wait[conditions.key]
        duration        = "300s"
        aggregations {
          alignment_period   = "60s"
          per_series_aligner = "ALIGN_MAX"
        }
      }
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = <<-EOT
      ${var.function.summary}

      Its lines in the log: `resource.labels.service_name="${var.function.service}" severity>=WARNING`.
      Messages that it gave up are on `${var.dead_letters}`, each with the reason.
    EOT
  }
}
