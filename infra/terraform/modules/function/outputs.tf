output "account" {
  description = "E-mail address of the function's account."
  value       = "fn-${var.function.service}@${var.place.project}.iam.gserviceaccount.com" # known before it exists
  depends_on  = [google_service_account.this]
}

output "services" {
  description = "Names of its services by lane."
  value       = local.services
}

output "uris" {
  description = "Addresses of its services by lane."
  value       = { for lane, service in google_cloud_run_v2_service.this : lane => service.uri }
}

output "trigger" {
  description = "What calls it, in words: subscriptions with their topics, a schedule, or HTTP."
  value = (
    local.events ? join(", ", [for one in values(local.subscriptions) : "subscription ${one.name} of topic ${one.topic}"]) :
    var.function.trigger.kind == "schedule" ? "schedule ${var.function.trigger.schedule}" :
    local.public ? "HTTP, public" : "HTTP, for operators"
  )
}

output "dead_letters" {
  description = "Where its messages end that were delivered too often; null for a function that no message calls."
  value       = local.events ? var.dead_letters : null
}
