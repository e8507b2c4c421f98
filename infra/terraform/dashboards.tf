# One page: feeds, orders, plays and the pool, errors, dead letters, latency, what it costs.

locals {
  charts = {
    "Feeds: files by outcome"                = { metric = "logging.googleapis.com/user/tombola/requests", where = "metric.labels.function = \"validate_feed\"", by = ["metric.labels.outcome"] }
    "Orders: recorded by lane"               = { metric = "logging.googleapis.com/user/tombola/requests", where = "metric.labels.function = \"record_order\"", by = ["metric.labels.lane"] }
    "Plays: by outcome"                      = { metric = "logging.googleapis.com/user/tombola/requests", where = "metric.labels.function = \"play_game\"", by = ["metric.labels.outcome"] }
    "Pool: prizes claimed, settled and paid" = { metric = "logging.googleapis.com/user/tombola/requests", where = "metric.labels.function = one_of(\"claim_prize\", \"settle_plays\", \"record_payment\")", by = ["metric.labels.function", "metric.labels.outcome"] }
    "Errors: what was refused"               = { metric = "logging.googleapis.com/user/tombola/refusals", where = "", by = ["metric.labels.function", "metric.labels.code"] }
    "Errors: answers 5xx"                    = { metric = "run.googleapis.com/request_count", where = "metric.labels.response_code_class = \"5xx\"", by = ["resource.labels.service_name"] }
    "Dead letters: by reason"                = { metric = "logging.googleapis.com/user/tombola/dead_letters", where = "", by = ["metric.labels.function", "metric.labels.code"] }
    "Lost races"                             = { metric = "logging.googleapis.com/user/tombola/lost_races", where = "", by = ["metric.labels.function"] }
    "Latency: 95% of requests, ms"           = { metric = "logging.googleapis.com/user/tombola/duration", where = "", by = ["metric.labels.function"], aligner = "ALIGN_PERCENTILE_95" }
    "Waiting: oldest message, s"             = { metric = "pubsub.googleapis.com/subscription/oldest_unacked_message_age", where = "", by = ["resource.labels.subscription_id"], aligner = "ALIGN_MAX" }
    "Cost: seconds of instances paid for"    = { metric = "run.googleapis.com/container/billable_instance_time", where = "", by = ["resource.labels.service_name"] }
    "Cost: bytes that BigQuery looked at"    = { metric = "bigquery.googleapis.com/query/statement_scanned_bytes_billed", where = "", by = ["metric.labels.statement_type"] }
    "Cost: documents that Firestore wrote"   = { metric = "firestore.googleapis.com/document/write_ops_count", where = "", by = ["metric.labels.op"] }
  }
  widgets = [
    for title in sort(keys(local.charts)) : {
      title = title
      xyChart = {
        dataSets = [{
          plotType = "LINE"
          timeSeriesQuery = {
            timeSeriesFilter = {
              filter = join(" AND ", compact(["metric.type = \"${local.charts[title].metric}\"", local.charts[title].where]))
              aggregation = {
                alignmentPeriod    = "60s"
                perSeriesAligner   = try(local.charts[title].aligner, "ALIGN_RATE")
                crossSeriesReducer = can(local.charts[title].aligner) ? "REDUCE_MAX" : "REDUCE_SUM"
                groupByFields      = local.charts[title].by
              }
            }
          }
        }]
      }
    }
  ]
}

resource "google_monitoring_dashboard" "overview" {
  project = local.project
  dashboard_json = jsonencode({
    displayName = "Tombola ${var.environment}"
    gridLayout  = { columns = "2", widgets = local.widgets }
  })
  depends_on = [google_logging_metric.counted, google_logging_metric.duration]
}
