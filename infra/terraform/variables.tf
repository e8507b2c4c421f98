variable "project" {
  description = "Google Cloud project that holds one environment."
  type        = string
}

variable "project_number" {
  description = "Its number, which names Google's own service agents: gcloud projects describe PROJECT --format='value(projectNumber)'."
  type        = string

  validation {
    condition     = can(regex("^[0-9]+$", var.project_number))
    error_message = "The project's number has digits alone; its id belongs into the variable project."
  }
}

variable "environment" {
  description = "What this environment is called, in labels and dashboards."
  type        = string
}

variable "region" {
  description = "Region of everything that runs."
  type        = string
}

variable "location" {
  description = "Where data lies: the region, or the multi-region EU or US around it. Set once: data does not move."
  type        = string
}

variable "bucket_prefix" {
  description = "Stands before the logical name of every bucket. Names of buckets are unique in the world."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,40}-$", var.bucket_prefix))
    error_message = "A bucket prefix is 3 to 42 of a-z, 0-9 and -, and ends with -."
  }
}

variable "bundles" {
  description = "SHA-256 of what is deployed, by function: the content of build/manifest.json, as nox -s bundle writes it."
  type        = map(string)
}

variable "operators" {
  description = "Who may call functions that are not public, read dead letters and use the analysts' accounts: members such as group:promotions@example.com."
  type        = list(string)
}

variable "alert_addresses" {
  description = "E-mail addresses that alarms go to."
  type        = list(string)
}

variable "instances" {
  description = "Least and most instances of a function, by its name, where the defaults of the module function do not fit."
  type        = map(object({ least = number, most = number, most_bulk = number }))
  default     = {}
}

variable "splits" {
  description = "Traffic splits of HTTP functions, by name: the revision that keeps a share of the requests, and that share in per cent."
  type        = map(object({ revision = string, percent = number }))
  default     = {}
}

variable "settings" {
  description = "Further environment variables of all functions, such as TOMBOLA_LOG_LEVEL: those of tombola.runtime.settings."
  type        = map(string)
  default     = {}
}

variable "telemetry" {
  description = "Whether functions send spans and metrics to Google Cloud; their bundles then need the extra google-telemetry."
  type        = bool
  default     = false
}

variable "protect" {
  description = "Whether Terraform refuses to delete what holds data or serves. Off only where the whole environment is to go."
  type        = bool
  default     = true
}

variable "encryption_key" {
  description = "Cloud KMS key, in the region, for everything that is stored; null leaves encryption to Google's keys."
  type        = string
  default     = null

  validation {
    condition     = var.encryption_key == null || (strcontains(coalesce(var.encryption_key, "-"), "/locations/${var.region}/") && lower(var.location) == lower(var.region))
    error_message = "One key encrypts everything, so all lies in one place: expected a key in the region, and the region as location."
  }
}

variable "first_rotation" {
  description = "When the signing keys are first due to be rotated: an instant (RFC 3339) in the future, 90 days from the first apply."
  type        = string
}
