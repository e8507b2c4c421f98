variable "function" {
  description = "One function as the module catalog gives it: all that is said about it."
  type = object({
    name    = string
    service = string
    summary = string
    trigger = object({
      kind     = string
      topic    = optional(string)
      bucket   = optional(string)
      public   = bool
      schedule = optional(string)
      lanes    = list(string)
    })
    publishes = list(string)
    reads     = object({ documents = list(string), objects = list(string), warehouse = list(string) })
    writes    = object({ documents = list(string), objects = list(string), warehouse = list(string) })
    secrets   = list(string)
    package   = string
    sizing = object({
      memory          = string
      timeout         = number
      concurrency     = number
      max_attempts    = number
      ack_deadline    = number
      minimum_backoff = number
      maximum_backoff = number
      retention_days  = number
    })
  })

  validation {
    condition     = try(contains(["topic", "bucket", "http", "schedule"], var.function.trigger.kind), false)
    error_message = "A function has exactly one trigger: topic, bucket, http or schedule."
  }
  validation {
    condition     = var.function.sizing.timeout <= var.function.sizing.ack_deadline || !contains(["topic", "bucket"], var.function.trigger.kind)
    error_message = "A function that events call answers before its message is sent again: expected timeout <= ack_deadline."
  }
}

variable "place" {
  description = "Where it runs: project, its region, and what stands before the names of secrets."
  type        = object({ project = string, region = string, key_prefix = string })
}

variable "world" {
  description = "What it may be given, by logical names: buckets, topics by their lanes, notifications of buckets, what holds each table to those who read and those who write it, the datasets, the database, and the policy tag of personal columns."
  type = object({
    buckets       = map(string)
    topics        = map(map(string))
    notifications = map(string)
    tables        = map(object({ read = list(string), write = list(string) }))
    dataset       = string
    scratch       = string
    database      = string
    personal_tag  = string
  })
}

variable "roles" {
  description = "Custom roles that are narrower than Google's own: who writes objects, who reads keys."
  type        = object({ object_writer = string, key_reader = string })
}

variable "callers" {
  description = "Who calls it: the accounts that pushes and schedules show, the service agent of Pub/Sub, and the people who may call what is not public. And the account that deploys it, if one does."
  type        = object({ push = string, clock = string, pubsub_agent = string, operators = list(string), deployer = optional(string) })
}

variable "dead_letters" {
  description = "Topic for messages that were delivered too often, or that are at fault."
  type        = string

  validation {
    condition     = length(var.dead_letters) > 0
    error_message = "Every function has a dead-letter topic: nothing that came in is ever lost."
  }
}

variable "code" {
  description = "What is deployed: the hash of its content, the bucket with bundles as SERVICE/HASH.zip, the repository with images as SERVICE:HASH."
  type        = object({ hash = string, bucket = string, repository = string })

  validation {
    condition     = can(regex("^[0-9a-f]{64}$", var.code.hash))
    error_message = "The bundle's hash is a SHA-256 in lower hexadecimal digits; nox -s bundle writes it to build/manifest.json."
  }
}

variable "instances" {
  description = "Least and most instances of the live lane, and most of the bulk lane: that number caps the bulk lane's rate."
  type        = object({ least = number, most = number, most_bulk = number })
  default     = { least = 0, most = 20, most_bulk = 4 }
  nullable    = false
}

variable "split" {
  description = "Revision that keeps a share of the requests, and that share in per cent; null sends all to the newest. For HTTP functions."
  type        = object({ revision = string, percent = number })
  default     = null

  validation {
    condition     = try(var.split.percent > 0 && var.split.percent < 100, true)
    error_message = "The share that stays with the older revision is above 0 and below 100 per cent."
  }
}

variable "behind_balancer" {
  description = "Whether a public function can be reached through the load balancer alone."
  type        = bool
  default     = false
}

variable "environment" {
  description = "Further environment variables: those of tombola.runtime.settings."
  type        = map(string)
  default     = {}
}

variable "telemetry_roles" {
  description = "Roles on the project for those who send spans and metrics; empty when nobody does."
  type        = set(string)
  default     = []
}

variable "alerts" {
  description = "Notification channels, and after how many seconds of waiting the oldest message of the live lane is an alarm."
  type        = object({ channels = list(string), oldest_message = number })
  default     = { channels = [], oldest_message = 1800 }
}

variable "encryption_key" {
  description = "Cloud KMS key that encrypts the deployed container; null leaves that to Google's keys."
  type        = string
  default     = null
}

variable "deletion_protection" {
  description = "Whether Terraform refuses to delete the service."
  type        = bool
  default     = true
}
