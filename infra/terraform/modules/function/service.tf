# The service, one per lane. It runs the image <service>:<hash>, which is there before: of a bundle, Google's buildpacks
# made it from the sources that lie under the same hash; of an image, our Dockerfile did. build_config says which sources
# and which function they are; that alone starts no build (hashicorp/terraform-provider-google#22263).

locals {
  lanes    = var.function.trigger.kind == "topic" ? var.function.trigger.lanes : ["live"]
  services = { for lane in local.lanes : lane => lane == "live" ? var.function.service : "${var.function.service}-${lane}" }
  bundled  = var.function.package == "bundle"
  image    = "${var.code.repository}/${var.function.service}:${var.code.hash}"
  public   = var.function.trigger.kind == "http" && var.function.trigger.public
  # Pushes and schedules of the same project count as internal. People who may call what is not public come from anywhere.
  ingress = (
    local.public && var.behind_balancer ? "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER" :
    var.function.trigger.kind == "http" ? "INGRESS_TRAFFIC_ALL" : "INGRESS_TRAFFIC_INTERNAL_ONLY"
  )
  processors = { "8Gi" = "2", "16Gi" = "4" } # the platform asks for so many with so much memory
  environment = merge({
    TOMBOLA_ADAPTERS   = "google"
    TOMBOLA_PROJECT    = var.place.project
    TOMBOLA_KEY_PREFIX = var.place.key_prefix
    TOMBOLA_TIMEOUT    = tostring(var.function.sizing.timeout)
  }, var.environment)
}

resource "google_cloud_run_v2_service" "this" {
  for_each             = local.services
  project              = var.place.project
  location             = var.place.region
  name                 = each.value
  description          = var.function.summary
  ingress              = local.ingress
  invoker_iam_disabled = local.public # its caller is known by a signature, not by an account of Google's
  deletion_protection  = var.deletion_protection
  labels               = { function = var.function.service, lane = each.key }

  template {
    service_account                  = google_service_account.this.email
    timeout                          = "${var.function.sizing.timeout}s"
    max_instance_request_concurrency = var.function.sizing.concurrency
    execution_environment            = "EXECUTION_ENVIRONMENT_GEN2"
    encryption_key                   = var.encryption_key

    scaling {
      min_instance_count = each.key == "live" ? var.instances.least : 0
      max_instance_count = each.key == "live" ? var.instances.most : var.instances.most_bulk
    }

    containers {
      image = local.image

      resources {
        limits            = { cpu = lookup(local.processors, var.function.sizing.memory, "1"), memory = var.function.sizing.memory }
        cpu_idle          = true
        startup_cpu_boost = true
      }

      dynamic "env" {
        for_each = local.environment
        content {
          name  = env.key
          value = env.value
        }
      }
    }
  }

  dynamic "build_config" {
    for_each = local.bundled ? [1] : []
    content {
      source_location = "gs://${var.code.bucket}/${var.function.service}/${var.code.hash}.zip"
      function_target = var.function.name
      image_uri       = local.image
    }
  }

  dynamic "traffic" {
    for_each = var.split == null ? [] : [var.split]
    content {
      type     = "TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION"
      revision = traffic.value.revision
      percent  = traffic.value.percent
    }
  }

  traffic {
    type    = "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST"
    percent = var.split == null ? 100 : 100 - var.split.percent
  }

  depends_on = [google_service_account_iam_member.deployed_by]

  lifecycle {
    precondition {
      condition     = var.split == null || var.function.trigger.kind == "http"
      error_message = "Only HTTP functions split traffic: every message of an event function is one that counts."
    }
  }
}
