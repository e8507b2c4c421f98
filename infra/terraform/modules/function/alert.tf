# One alarm per function: it answers with outages, or its oldest message waits too long.

locals {
  service_filter = join(" OR ", [for service in values(local.services) : "resource.labels.service_name = \"${service}\""])
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
      filter          = "resource.type = \"cloud_run_revision\" AND metric.type = \"run.googleapis.com/request_count\" AND metric.labels.response_code_class = \"5xx\" AND (${local.service_filter})"
      comparison      = "COMPARISON_GT"
      threshold_value = 0.05 # a second, over five minutes: fifteen failures
      duration        = "0s"
      aggregations {
        alignment_period     = "300s"
        per_series_aligner   = "ALIGN_RATE"
        cross_series_reducer = "REDUCE_SUM"
      }
    }
  }

  dynamic "conditions" {
    for_each = contains(keys(local.subscriptions), "live") ? [local.subscriptions["live"].name] : []
    content {
      display_name = "oldest message waits"
      condition_threshold {
        filter          = "resource.type = \"pubsub_subscription\" AND metric.type = \"pubsub.googleapis.com/subscription/oldest_unacked_message_age\" AND resource.labels.subscription_id = \"${conditions.value}\""
        comparison      = "COMPARISON_GT"
        threshold_value = var.alerts.oldest_message
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
    content   = "${var.function.summary} Look at its lines in the log: `resource.labels.service_name=\"${var.function.service}\" severity>=WARNING`; messages it gave up are on `${var.dead_letters}`."
  }
}
