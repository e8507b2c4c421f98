# Every function of the catalogue that has a bundle. Without any, the platform is there first: a repository to push to.

module "catalog" {
  source = "./modules/catalog"
  folder = "${path.module}/../../functions"
}

locals {
  functions = { for name, one in module.catalog.functions : name => one if contains(keys(var.bundles), name) }
  unbundled = setsubtract(keys(module.catalog.functions), keys(var.bundles))
  world = {
    buckets       = { for name, bucket in module.bucket : name => bucket.name }
    topics        = { for name, lanes in local.topology.topics : name => { for lane, topic in lanes : lane => google_pubsub_topic.this[topic].name } }
    notifications = local.topology.notifications
    tables        = local.warehouse.holds
    dataset       = local.dataset
    scratch       = local.warehouse.scratch
    database      = local.database
    personal_tag  = local.personal_tag
  }
  environment = merge({
    TOMBOLA_BUCKET_PREFIX = var.bucket_prefix
    TOMBOLA_DATASET       = local.dataset
    TOMBOLA_LOCATION      = var.location
    TOMBOLA_TELEMETRY     = var.telemetry ? "google" : "none"
    # Cloud Monitoring takes no point of which it is not told where it was measured.
    OTEL_RESOURCE_ATTRIBUTES = "cloud.region=${var.region}"
  }, var.settings)
}

module "function" {
  for_each = local.functions
  source   = "./modules/function"
  function = each.value
  place    = { project = local.project, region = var.region, key_prefix = local.key_prefix }
  world    = local.world
  roles    = local.custom_roles
  callers = {
    push         = "serviceAccount:${local.addresses["push"]}"
    clock        = "serviceAccount:${local.addresses["clock"]}"
    pubsub_agent = local.agents.pubsub
    operators    = var.operators
    deployer     = local.deployer
  }
  dead_letters = google_pubsub_topic.this[local.dead_letters].name
  code = {
    hash       = var.bundles[each.key]
    bucket     = module.bucket["artefacts"].name
    repository = local.repository
  }
  instances           = lookup(var.instances, each.key, null)
  split               = lookup(var.splits, each.key, null)
  behind_balancer     = var.domain != null
  environment         = local.environment
  telemetry_roles     = var.telemetry ? ["roles/telemetry.metricsWriter", "roles/telemetry.tracesWriter"] : []
  alerts              = { channels = local.channels, oldest_message = 1800 }
  encryption_key      = var.encryption_key
  deletion_protection = var.protect

  depends_on = [
    google_bigquery_table.views, google_pubsub_topic_iam_member.moves_dead_letters, google_service_account.ci,
    google_service_account.platform,
  ]
}
