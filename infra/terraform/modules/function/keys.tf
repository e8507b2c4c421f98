# Keys are granted by the names that the manifest states: `token-signing`, or a pattern such as `campaign-*-id`. A new
# campaign or retailer is a new secret that a pattern covers, so nothing here changes. A condition sees the secret's
# full name, `projects/<number>/secrets/<secret>` with `/versions/<version>` behind it when a version is read.

locals {
  key_name = "resource.name.extract(\"/secrets/{name}/versions/\")"
  key_tail = "resource.name.extract(\"/secrets/{name}\")"
  keys = {
    for pattern in var.function.secrets : pattern => {
      begins = "${var.place.key_prefix}${split("*", pattern)[0]}"
      ends   = try(split("*", pattern)[1], "")
      whole  = length(split("*", pattern)) == 1
    }
  }
  key_conditions = {
    for pattern, key in local.keys : pattern => key.whole ? (
      "${local.key_name} == \"${key.begins}\" || ${local.key_tail} == \"${key.begins}\""
      ) : key.ends == "" ? (
      "${local.key_tail}.startsWith(\"${key.begins}\")"
      ) : (
      "${local.key_tail}.startsWith(\"${key.begins}\") && (${local.key_name}.endsWith(\"${key.ends}\") || ${local.key_tail}.endsWith(\"${key.ends}\"))"
    )
  }
}

resource "google_project_iam_member" "keys" {
  for_each = local.key_conditions
  project  = var.place.project
  role     = var.roles.key_reader
  member   = google_service_account.this.member

  condition {
    title       = substr("keys-${replace(each.key, "*", "any")}", 0, 100)
    description = "The keys named ${each.key}, and no other."
    expression  = each.value
  }

  lifecycle {
    precondition {
      condition     = length(split("*", each.key)) <= 2
      error_message = "A pattern of key names has one * at most: a condition has a beginning and an end to look at."
    }
  }
}
