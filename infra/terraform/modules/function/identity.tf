# One account per function, with just the rights its manifest names. Lanes of a function share it: they run the same code.

locals {
  name     = var.function.name
  events   = contains(["topic", "bucket"], var.function.trigger.kind)
  reads    = var.function.reads
  writes   = var.function.writes
  lettered = local.events ? { dead-letters = var.dead_letters } : {}
  published = merge(local.lettered, {
    for pair in flatten([for topic in var.function.publishes : [for lane, physical in var.world.topics[topic] : physical]]) : pair => pair
  })
  reads_warehouse  = length(local.reads.warehouse) > 0
  writes_warehouse = length(local.writes.warehouse) > 0
  tables_read      = toset(flatten([for name in local.reads.warehouse : var.world.tables[name].read]))
  tables_written   = toset(flatten([for name in local.writes.warehouse : var.world.tables[name].write]))
  warehouse = merge(
    { for table in local.tables_read : "read ${table}" => [table, "roles/bigquery.dataViewer"] },
    { for table in local.tables_written : "write ${table}" => [table, "roles/bigquery.dataEditor"] },
  )
  # Jobs belong to the project; BigQuery knows no smaller place for them.
  jobs = setunion(
    local.reads_warehouse || local.writes_warehouse ? ["roles/bigquery.jobUser"] : [],
    local.reads_warehouse ? ["roles/bigquery.readSessionUser"] : [],
  )
}

resource "google_service_account" "this" {
  project      = var.place.project
  account_id   = "fn-${var.function.service}"
  display_name = "${local.name}: ${substr(var.function.summary, 0, 70)}"
}

# Who deploys a service must be allowed to give it its account.
resource "google_service_account_iam_member" "deployed_by" {
  count              = var.callers.deployer == null ? 0 : 1
  service_account_id = google_service_account.this.name
  role               = "roles/iam.serviceAccountUser"
  member             = var.callers.deployer
}

resource "google_storage_bucket_iam_member" "reads" {
  for_each = toset(local.reads.objects)
  bucket   = var.world.buckets[each.value]
  role     = "roles/storage.objectViewer"
  member   = google_service_account.this.member
}

resource "google_storage_bucket_iam_member" "writes" {
  for_each = toset(local.writes.objects)
  bucket   = var.world.buckets[each.value]
  role     = var.roles.object_writer
  member   = google_service_account.this.member
}

# Firestore grants by database, not by collection: what a function reads or writes in it is held by tests, not by IAM.
resource "google_project_iam_member" "documents" {
  count   = length(local.reads.documents) + length(local.writes.documents) > 0 ? 1 : 0
  project = var.place.project
  role    = length(local.writes.documents) > 0 ? "roles/datastore.user" : "roles/datastore.viewer"
  member  = google_service_account.this.member

  condition {
    title      = "this-database-only"
    expression = "resource.name == \"${var.world.database}\""
  }
}

resource "google_pubsub_topic_iam_member" "publishes" {
  for_each = local.published
  project  = var.place.project
  topic    = each.value
  role     = "roles/pubsub.publisher"
  member   = google_service_account.this.member
}

resource "google_bigquery_table_iam_member" "tables" {
  for_each   = local.warehouse
  project    = var.place.project
  dataset_id = var.world.dataset
  table_id   = each.value[0]
  role       = each.value[1]
  member     = google_service_account.this.member
}

# Who asks may keep intermediate tables where every table lives for an hour.
resource "google_bigquery_dataset_iam_member" "scratch" {
  count      = local.reads_warehouse ? 1 : 0
  project    = var.place.project
  dataset_id = var.world.scratch
  role       = "roles/bigquery.dataEditor"
  member     = google_service_account.this.member
}

# Columns that tell of one person bear a policy tag; without this right even the owner of a table cannot read them.
resource "google_data_catalog_policy_tag_iam_member" "personal" {
  count      = local.reads_warehouse || local.writes_warehouse ? 1 : 0
  policy_tag = var.world.personal_tag
  role       = "roles/datacatalog.categoryFineGrainedReader"
  member     = google_service_account.this.member
}

resource "google_project_iam_member" "jobs" {
  for_each = setunion(local.jobs, var.telemetry_roles)
  project  = var.place.project
  role     = each.value
  member   = google_service_account.this.member
}
