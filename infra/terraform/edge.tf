# What retailers and shoppers call, where there is a domain: one address, TLS, rate limits, the game page from a cache.

locals {
  edge   = var.domain == null ? {} : { (var.domain) = true }
  called = var.domain == null ? {} : { for name, one in local.functions : one.service => one if one.trigger.kind == "http" && one.trigger.public }
}

resource "google_compute_region_network_endpoint_group" "functions" {
  for_each              = local.called
  project               = local.project
  region                = var.region
  name                  = each.key
  network_endpoint_type = "SERVERLESS"

  cloud_run {
    service = module.function[each.value.name].services["live"]
  }
}

# What a retailer signs may come from one server for all its shoppers; all else comes from a shopper's own browser.
resource "google_compute_backend_service" "functions" {
  for_each              = local.called
  project               = local.project
  name                  = each.key
  load_balancing_scheme = "EXTERNAL_MANAGED"
  protocol              = "HTTPS"
  security_policy       = google_compute_security_policy.callers[contains(each.value.secrets, "webhook-*") ? "retailers" : "shoppers"].id

  backend {
    group = google_compute_region_network_endpoint_group.functions[each.key].id
  }

  log_config {
    enable      = true
    sample_rate = 0.1 # the functions log every request themselves
  }
}

resource "google_compute_backend_bucket" "web" {
  for_each    = local.edge
  project     = local.project
  name        = "web"
  bucket_name = module.bucket["web"].name
  enable_cdn  = true
  custom_response_headers = [
    "Strict-Transport-Security: max-age=31536000",
    "X-Content-Type-Options: nosniff",
  ]

  cdn_policy {
    cache_mode       = "USE_ORIGIN_HEADERS"
    negative_caching = true
  }
}

# A function sees the path behind its own name, as on a laptop: /receive-webhook/corner-shop is /corner-shop to it.
resource "google_compute_url_map" "edge" {
  for_each        = local.edge
  project         = local.project
  name            = "edge"
  default_service = google_compute_backend_bucket.web[each.key].id

  host_rule {
    hosts        = [each.key]
    path_matcher = "functions"
  }

  path_matcher {
    name            = "functions"
    default_service = google_compute_backend_bucket.web[each.key].id

    dynamic "path_rule" {
      for_each = local.called
      content {
        paths   = ["/${path_rule.key}", "/${path_rule.key}/*"]
        service = google_compute_backend_service.functions[path_rule.key].id
        route_action {
          url_rewrite {
            path_prefix_rewrite = "/"
          }
        }
      }
    }
  }
}

resource "google_compute_global_address" "edge" {
  for_each = local.edge
  project  = local.project
  name     = "edge"
}

resource "google_compute_managed_ssl_certificate" "edge" {
  for_each = local.edge
  project  = local.project
  name     = "edge"

  managed {
    domains = [each.key]
  }
}

resource "google_compute_ssl_policy" "edge" {
  for_each        = local.edge
  project         = local.project
  name            = "edge"
  profile         = "MODERN"
  min_tls_version = "TLS_1_2"
}

resource "google_compute_target_https_proxy" "edge" {
  for_each         = local.edge
  project          = local.project
  name             = "edge"
  url_map          = google_compute_url_map.edge[each.key].id
  ssl_certificates = [google_compute_managed_ssl_certificate.edge[each.key].id]
  ssl_policy       = google_compute_ssl_policy.edge[each.key].id
}

resource "google_compute_global_forwarding_rule" "edge" {
  for_each              = local.edge
  project               = local.project
  name                  = "edge"
  load_balancing_scheme = "EXTERNAL_MANAGED"
  target                = google_compute_target_https_proxy.edge[each.key].id
  ip_address            = google_compute_global_address.edge[each.key].id
  port_range            = "443"
}
