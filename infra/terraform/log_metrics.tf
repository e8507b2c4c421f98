# Metrics made of the one line that every request leaves (docs/observability.md): by function, outcome and lane.

locals {
  request_line = "resource.type=\"cloud_run_revision\" AND jsonPayload.message=\"request\""
  counted = {
    requests     = { filter = local.request_line, says = "Requests by function, outcome and lane.", labels = ["function", "outcome", "lane"] }
    dead_letters = { filter = "${local.request_line} AND jsonPayload.outcome=\"dead-lettered\"", says = "Messages put aside, by function and reason.", labels = ["function", "code"] }
    refusals     = { filter = "${local.request_line} AND jsonPayload.outcome=\"refused\"", says = "What was refused, by function and reason.", labels = ["function", "code"] }
    lost_races   = { filter = "${local.request_line} AND jsonPayload.outcome=\"lost-race\"", says = "Commits that lost against another, more often than was tried again.", labels = ["function"] }
  }
}

resource "google_logging_metric" "counted" {
  for_each         = local.counted
  project          = local.project
  name             = "tombola/${each.key}"
  description      = each.value.says
  filter           = each.value.filter
  label_extractors = { for label in each.value.labels : label => "EXTRACT(jsonPayload.${label})" }

  metric_descriptor {
    metric_kind  = "DELTA"
    value_type   = "INT64"
    display_name = each.value.says
    dynamic "labels" {
      for_each = each.value.labels
      content {
        key = labels.value
      }
    }
  }
}

resource "google_logging_metric" "duration" {
  project          = local.project
  name             = "tombola/duration"
  description      = "How long a request took, by function and lane, in milliseconds."
  filter           = local.request_line
  value_extractor  = "EXTRACT(jsonPayload.duration_ms)"
  label_extractors = { function = "EXTRACT(jsonPayload.function)", lane = "EXTRACT(jsonPayload.lane)" }

  metric_descriptor {
    metric_kind  = "DELTA"
    value_type   = "DISTRIBUTION"
    unit         = "ms"
    display_name = "Duration of a request"
    labels {
      key = "function"
    }
    labels {
      key = "lane"
    }
  }

  bucket_options {
    exponential_buckets {
      num_finite_buckets = 24
      growth_factor      = 1.6
      scale              = 1
    }
  }
}
