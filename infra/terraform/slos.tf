# Promises to those who wait: public functions answer, and in time; live messages are handled while they are news.

locals {
  promised = { for name, one in local.functions : one.service => one if one.trigger.kind == "http" && one.trigger.public }
  promises = merge(
    { for service in keys(local.promised) : "${service} answers" => { service = service, kind = "availability", goal = 0.999 } },
    { for service in keys(local.promised) : "${service} in time" => { service = service, kind = "latency", goal = 0.99 } },
  )
  # Budgets are spent 14 times too fast over an hour, or 6 times over six: a month's would be gone in two days, or five.
  burn_rates = { fast = { window = "3600s", short = "300s", rate = 14.4 }, slow = { window = "21600s", short = "1800s", rate = 6 } }
}

resource "google_monitoring_service" "public" {
  for_each     = local.promised
  project      = local.project
  service_id   = each.key
  display_name = each.value.name

  basic_service {
    service_type   = "CLOUD_RUN"
    service_labels = { service_name = module.function[each.value.name].services["live"], location = var.region }
  }
}

resource "google_monitoring_slo" "public" {
  for_each            = local.promises
  project             = local.project
  service             = google_monitoring_service.public[each.value.service].service_id
  slo_id              = replace(each.key, " ", "-")
  display_name        = each.key
  goal                = each.value.goal
  rolling_period_days = 28

  basic_sli {
    dynamic "availability" {
      for_each = each.value.kind == "availability" ? [1] : []
      content {
        enabled = true
      }
    }
    dynamic "latency" {
      for_each = each.value.kind == "latency" ? [1] : []
      content {
        threshold = "1s"
      }
    }
  }
}

resource "google_monitoring_custom_service" "freshness" {
  project      = local.project
  service_id   = "events"
  display_name = "Events are handled"
}

resource "google_monitoring_slo" "freshness" {
  for_each            = toset([for name, one in local.functions : one.service if contains(["topic", "bucket"], one.trigger.kind)])
  project             = local.project
  service             = google_monitoring_custom_service.freshness.service_id
  slo_id              = "${each.value}-fresh"
  display_name        = "${each.value}: no message waits for more than a minute"
  goal                = 0.99
  rolling_period_days = 28

  windows_based_sli {
    window_period = "300s"
    metric_mean_in_range {
      time_series = join(" AND ", [
        "resource.type = \"pubsub_subscription\"",
        "metric.type = \"${local.oldest}\"",
        "resource.labels.subscription_id = \"${each.value}\"",
      ])
      range {
        min = 0
        max = 60
      }
    }
  }
}

resource "google_monitoring_alert_policy" "burn" {
  for_each              = { for pair in setproduct(keys(local.promises), keys(local.burn_rates)) : "${pair[0]}: budget spent ${pair[1]}" => pair }
  project               = local.project
  display_name          = each.key
  combiner              = "AND" # over the long window and the short one: it ends soon after the trouble does
  severity              = each.value[1] == "fast" ? "CRITICAL" : "WARNING"
  notification_channels = local.channels

  dynamic "conditions" {
    for_each = [local.burn_rates[each.value[1]].window, local.burn_rates[each.value[1]].short]
    content {
      display_name = "over ${conditions.value}"
      condition_threshold {
        filter          = "select_slo_burn_rate(\"${google_monitoring_slo.public[each.value[0]].name}\", \"${conditions.value}\")"
        comparison      = "COMPARISON_GT"
        threshold_value = local.burn_rates[each.value[1]].rate
        duration        = "0s"
      }
    }
  }
}
