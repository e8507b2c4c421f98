# Who is told, and what is an alarm for the whole: dead letters, and what is stored falling behind.

resource "google_monitoring_notification_channel" "mail" {
  for_each     = toset(var.alert_addresses)
  project      = local.project
  type         = "email"
  display_name = each.value
  labels       = { email_address = each.value }
}

locals {
  channels = [for channel in google_monitoring_notification_channel.mail : channel.id]
  # Counted per subscription, at the last value of a minute.
  alarms = {
    "a message was given up" = {
      metric    = "num_undelivered_messages"
      of        = "\"${local.dead_letters}-kept\""
      threshold = 0
      says      = "There are dead letters. Each bears why it was put aside (`reason`, `detail`) and where it came from; mend the cause, then send it again."
    }
    "the warehouse falls behind" = {
      metric    = "oldest_unacked_message_age"
      of        = "starts_with(\"store-\")"
      threshold = 3600
      says      = "Messages of a stored topic have waited over an hour for BigQuery."
    }
    "a key is due to be rotated" = {
      metric    = "num_undelivered_messages"
      of        = "\"key-rotations-kept\""
      threshold = 0
      says      = "Add a version to the secret that the message names; older versions stay, for what they signed."
    }
  }
}

resource "google_monitoring_alert_policy" "whole" {
  for_each              = local.alarms
  project               = local.project
  display_name          = each.key
  combiner              = "OR"
  severity              = "ERROR"
  notification_channels = local.channels

  conditions {
    display_name = each.key
    condition_threshold {
      filter = join(" AND ", [
        "resource.type = \"pubsub_subscription\"",
        "metric.type = \"pubsub.googleapis.com/subscription/${each.value.metric}\"",
        "resource.labels.subscription_id = ${each.value.of}",
      ])
      comparison      = "COMPARISON_GT"
      threshold_value = each.value.threshold
      duration        = "300s"
      aggregations {
        alignment_period   = "60s"
        per_series_aligner = "ALIGN_MAX"
      }
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = each.value.says
  }
}
