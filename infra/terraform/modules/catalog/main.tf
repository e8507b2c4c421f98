# What the manifests say, with the defaults filled in: the same that Python reads of them (a test compares the two).
# A name that begins with a dot or an underscore is no function, there as here.
terraform {
  required_version = ">= 1.11"
}

locals {
  defaults = yamldecode(file("${var.folder}/defaults.yaml"))
  files    = [for path in fileset(var.folder, "*/function.yaml") : path if length(regexall("^[._]", path)) == 0]
  said     = { for path in local.files : dirname(path) => yamldecode(file("${var.folder}/${path}")) }
  kinds    = ["topic", "bucket", "http", "schedule"]
  stated   = { for name, said in local.said : name => [for kind in local.kinds : kind if can(said.trigger[kind])] }

  functions = {
    for name, said in local.said : name => {
      name    = name
      service = replace(name, "_", "-")
      summary = said.summary
      trigger = {
        kind     = one(local.stated[name])
        topic    = try(said.trigger.topic, null)
        bucket   = try(said.trigger.bucket, null)
        method   = try(said.trigger.http, null)
        public   = try(said.trigger.public, false)
        schedule = try(said.trigger.schedule, null)
        lanes    = tolist(try(said.trigger.lanes, ["live"]))
      }
      publishes = tolist(try(said.publishes, []))
      reads     = { for kind in ["documents", "objects", "warehouse"] : kind => tolist(try(said.reads[kind], [])) }
      writes    = { for kind in ["documents", "objects", "warehouse"] : kind => tolist(try(said.writes[kind], [])) }
      secrets   = tolist(try(said.secrets, []))
      extras    = tolist(try(said.extras, []))
      package   = try(said.package, "bundle")
      sizing    = { for name, value in local.defaults : name => try(said[name], value) }
    }
  }
}

output "functions" {
  description = "Every function by its name: service, trigger, what it reads, writes and publishes, secrets, sizing."
  value       = local.functions
}
