# Cloud Armor: who calls too often waits. A retailer's server may call more than a shopper's browser may.

locals {
  limits = var.domain == null ? {} : var.requests_a_minute
}

resource "google_compute_security_policy" "callers" {
  for_each    = local.limits
  project     = local.project
  name        = each.key
  description = "At most ${each.value} requests a minute from one address."
  type        = "CLOUD_ARMOR"

  adaptive_protection_config {
    layer_7_ddos_defense_config {
      enable = true
    }
  }

  rule {
    action      = "deny(403)"
    priority    = 100
    description = "Attacks that everybody knows (CVE-2021-44228 and its like)."
    match {
      expr {
        expression = "evaluatePreconfiguredWaf('cve-canary')"
      }
    }
  }

  rule {
    action      = "throttle"
    priority    = 1000
    description = "Whoever calls more often gets 429 until the minute is over."
    match {
      versioned_expr = "SRC_IPS_V1"
      config {
        src_ip_ranges = ["*"]
      }
    }
    rate_limit_options {
      conform_action = "allow"
      exceed_action  = "deny(429)"
      enforce_on_key = "IP"
      rate_limit_threshold {
        count        = each.value
        interval_sec = 60
      }
    }
  }

  rule {
    action      = "allow"
    priority    = 2147483647
    description = "The rule that every policy ends with."
    match {
      versioned_expr = "SRC_IPS_V1"
      config {
        src_ip_ranges = ["*"]
      }
    }
  }
}
