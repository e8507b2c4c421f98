# BigQuery. Tables and views come from the code (generated/warehouse.json): the contracts of the feeds, and the columns
# that a subscription writes. What is only an environment's is filled in here.

locals {
  dataset = "events"
  filled  = { PROJECT = var.project, DATASET = local.dataset, PERSONAL_TAG = local.personal_tag }
  warehouse = jsondecode(replace(replace(
    file("${path.module}/generated/warehouse.json"), "PROJECT", local.filled.PROJECT), "DATASET", local.filled.DATASET
  ))
  tables       = { for table in local.warehouse.tables : table.table_id => table }
  travel_hours = tostring(local.retention.warehouse_travel_days * 24)
  # Facts leave with their day. What is known of products and shoppers holds until it is stated anew, so it stays.
  undying = toset(["feed_products_rows", "feed_shoppers_rows", "loads"])
  datasets = merge(
    {
      (local.dataset)           = { description = "What happened: feeds as they were accepted, events as they were published.", expires_hours = null }
      (local.warehouse.scratch) = { description = "Tables that live as long as one report.", expires_hours = 1 }
      computed                  = { description = "What was computed of the events: offers, segments, experiments.", expires_hours = null }
    },
    { for name in keys(var.partners) : "partner_${name}" => { description = "What the brand ${name} may see.", expires_hours = null } }
  )
}

resource "google_bigquery_dataset" "this" {
  # checkov:skip=CKV_GCP_15: grants are resources of their own; the check takes an empty list in a plan for everybody
  # checkov:skip=CKV_GCP_81: with var.encryption_key every dataset has it; without, Google's keys are what was asked for
  for_each                    = local.datasets
  project                     = local.project
  dataset_id                  = each.key
  description                 = each.value.description
  location                    = var.location
  max_time_travel_hours       = local.travel_hours
  default_table_expiration_ms = each.value.expires_hours == null ? null : each.value.expires_hours * 3600 * 1000
  delete_contents_on_destroy  = !var.protect
  storage_billing_model       = "PHYSICAL" # what is stored repeats itself, and compresses well
  depends_on                  = [google_kms_crypto_key_iam_member.agents]

  dynamic "default_encryption_configuration" {
    for_each = var.encryption_key == null ? [] : [var.encryption_key]
    content {
      kms_key_name = default_encryption_configuration.value
    }
  }
}

resource "google_bigquery_table" "stored" {
  # checkov:skip=CKV_GCP_80: the dataset's key is the default of its tables
  # checkov:skip=CKV_GCP_121: follows var.protect, which is on unless the whole environment is to go
  for_each            = local.tables
  project             = local.project
  dataset_id          = google_bigquery_dataset.this[each.value.dataset_id].dataset_id
  table_id            = each.key
  description         = each.value.description
  clustering          = length(each.value.clustering) > 0 ? each.value.clustering : null
  deletion_protection = var.protect
  schema = jsonencode([
    for column in each.value.schema : merge(
      { for name, value in column : name => value if name != "policyTags" },
      can(column.policyTags) || contains(local.personal_columns, column.name) ? { policyTags = { names = [local.personal_tag] } } : {},
    )
  ])

  dynamic "time_partitioning" {
    for_each = each.value.time_partitioning == null ? [] : [each.value.time_partitioning]
    content {
      type          = time_partitioning.value.type
      field         = time_partitioning.value.field
      expiration_ms = contains(local.undying, each.key) ? null : local.retention.facts_days * 86400 * 1000
    }
  }
}

resource "google_bigquery_table" "views" {
  # checkov:skip=CKV_GCP_80: a view stores nothing
  # checkov:skip=CKV_GCP_121: a view stores nothing, and is made again from the code
  for_each            = { for view in local.warehouse.views : view.table_id => view }
  project             = local.project
  dataset_id          = google_bigquery_dataset.this[each.value.dataset_id].dataset_id
  table_id            = each.key
  deletion_protection = false
  depends_on          = [google_bigquery_table.stored]

  view {
    query          = each.value.query
    use_legacy_sql = false
  }
}

resource "google_bigquery_dataset_iam_member" "partners_read" {
  for_each   = merge([for name, members in var.partners : { for member in members : "${name} ${member}" => [name, member] }]...)
  project    = local.project
  dataset_id = google_bigquery_dataset.this["partner_${each.value[0]}"].dataset_id
  role       = "roles/bigquery.dataViewer"
  member     = each.value[1]
}
