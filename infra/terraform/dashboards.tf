# One page: feeds, orders, plays and the pool, errors, dead letters, latency, what it costs.

locals {
  ours = "logging.googleapis.com/user/tombola"
  # Title, metric, whose, by what; how a minute's points become one, where that is not a rate.
  charts = {
    "Feeds: files by outcome"                = ["${local.ours}/requests", "metric.labels.function = \"validate_feed\"", ["metric.labels.outcome"]]
    "Orders: recorded by lane"               = ["${local.ours}/requests", "metric.labels.function = \"record_order\"", ["metric.labels.lane"]]
    "Plays: by outcome"                      = ["${local.ours}/requests", "metric.labels.function = \"play_game\"", ["metric.labels.outcome"]]
    "Pool: prizes claimed, settled and paid" = ["${local.ours}/requests", local.money, ["metric.labels.function", "metric.labels.outcome"]]
    "Errors: what was refused"               = ["${local.ours}/refusals", "", ["metric.labels.function", "metric.labels.code"]]
    "Errors: answers 5xx"                    = ["${local.run}/request_count", local.failed, ["resource.labels.service_name"]]
    "Errors: lost races"                     = ["${local.ours}/lost_races", "", ["metric.labels.function"]]
    "Dead letters: by reason"                = ["${local.ours}/dead_letters", "", ["metric.labels.function", "metric.labels.code"]]
    "Latency: 95% of requests, ms"           = ["${local.ours}/duration", "", ["metric.labels.function"], "ALIGN_PERCENTILE_95"]
    "Waiting: oldest message, s"             = [local.oldest, "", ["resource.labels.subscription_id"], "ALIGN_MAX"]
    "Cost: seconds of instances paid for"    = ["${local.run}/container/billable_instance_time", "", ["resource.labels.service_name"]]
    "Cost: bytes that BigQuery looked at"    = [local.scanned, "", ["metric.labels.statement_type"]]
    "Cost: documents that Firestore wrote"   = ["firestore.googleapis.com/document/write_ops_count", "", ["metric.labels.op"]]
  }
  run     = "run.googleapis.com"
  oldest  = "pubsub.googleapis.com/subscription/oldest_unacked_message_age"
  scanned = "bigquery.googleapis.com/query/statement_scanned_bytes_billed"
  failed  = "metric.labels.response_code_class = \"5xx\""
  money   = "metric.labels.function = one_of(\"claim_prize\", \"settle_plays\", \"record_payment\")"

  widgets = [
    for title in sort(keys(local.charts)) : {
      title = title
      xyChart = {
        dataSets = [{
          plotType = "LINE"
          timeSeriesQuery = {
            timeSeriesFilter = {
              filter = join(" AND ", compact(["metric.type = \"${local.charts[title][0]}\"", local.charts[title][1]]))
              aggregation = {
                alignmentPeriod    = "60s"
                perSeriesAligner   = try(local.charts[title][3], "ALIGN_RATE")
                crossSeriesReducer = can(local.charts[title][3]) ? "REDUCE_MAX" : "REDUCE_SUM"
                groupByFields      = local.charts[title][2]
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
