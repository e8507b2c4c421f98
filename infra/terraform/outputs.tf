output "functions" {
  description = "Every function: its account, what calls it, its services, and where its messages end that it cannot handle."
  value = {
    for name, one in module.function : name => {
      account      = one.account
      trigger      = one.trigger
      services     = one.services
      dead_letters = one.dead_letters
    }
  }

  precondition {
    condition     = length(var.bundles) == 0 || length(local.unbundled) == 0
    error_message = "No bundle of ${join(", ", local.unbundled)}; expected all of build/manifest.json, or {} for the platform."
  }
}

output "uris" {
  description = "Addresses of the services of functions that are called by HTTP."
  value       = { for name, one in module.function : name => one.uris["live"] if local.functions[name].trigger.kind == "http" }
}

output "buckets" {
  description = "Names of the buckets in the world, by their logical names."
  value       = { for name, bucket in module.bucket : name => bucket.name }
}

output "retention" {
  description = "Days (of time travel too) for which each store keeps what may tell of a person."
  value       = local.retention
}

output "repository" {
  description = "Where images of functions are pushed to, as SERVICE:HASH."
  value       = local.repository
}

output "address" {
  description = "Address that the domain must point to; null without a domain."
  value       = try(google_compute_global_address.edge[var.domain].address, null)
}

output "deployer" {
  description = "Account and identity provider for the CI that deploys; null where nobody does."
  value = try({
    account  = google_service_account.ci["deploy"].email
    provider = google_iam_workload_identity_pool_provider.ci["deploy"].name
  }, null)
}
