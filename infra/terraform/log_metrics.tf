# Metrics made of the one line that every request leaves (docs/observability.md): by function, outcome and lane.

locals {
  request_line = "resource.type=\"cloud_run_revision\" AND jsonPayload.message=\"request\""
  # Of which outcome (of any where none is said), what it counts, and by what.
  counted = {
    requests     = ["", "Requests.", ["function", "outcome", "lane"]]
    dead_letters = ["dead-lettered", "Messages put aside.", ["function", "code"]]
    refusals     = ["refused", "What was refused.", ["function", "code"]]
    lost_races   = ["lost-race", "Commits that lost against another, more often than was tried again.", ["function"]]
  }
}

resource "google_logging_metric" "counted" {
  for_each         = local.counted
  project          = local.project
  name             = "tombola/${each.key}"
  description      = each.value[1]
  filter           = join(" AND ", compact([local.request_line, each.value[0] == "" ? "" : "jsonPayload.outcome=\"${each.value[0]}\""]))
  label_extractors = { for label in each.value[2] : label => "EXTRACT(jsonPayload.${label})" }

  metric_descriptor {
    metric_kind  = "DELTA"
    value_type   = "INT64"
    display_name = each.value[1]
    dynamic "labels" {
      for_each = each.value[2]
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
