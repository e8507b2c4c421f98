variable "project" {
  description = "Project that the bucket belongs to."
  type        = string
}

variable "location" {
  description = "Where its objects lie: a region or a multi-region."
  type        = string
}

variable "prefix" {
  description = "What stands before its logical name; the two together are unique in the world."
  type        = string
}

variable "name" {
  description = "Logical name."
  type        = string
}

variable "public" {
  description = "Whether everybody may read it. Only what is meant to be seen is: the game page."
  type        = bool
  default     = false

  validation {
    condition     = !var.public || var.name == "web"
    error_message = "Only the bucket web may be public; every other holds what is somebody's."
  }
}

variable "days" {
  description = "Days after which an object leaves; null keeps it until somebody deletes it."
  type        = number
  default     = null
}

variable "older_copies_days" {
  description = "Days for which an object that was deleted or written over can be brought back. Erasure waits as long."
  type        = number
}

variable "held_days" {
  description = "Days for which no object can be deleted or changed by anybody; null holds none."
  type        = number
  default     = null
}

variable "held_for_ever" {
  description = "Whether the holding time can never be shortened again, not even by the owner of the project."
  type        = bool
  default     = false
}

variable "encryption_key" {
  description = "Cloud KMS key; null leaves encryption to Google's keys."
  type        = string
  default     = null
}

resource "google_storage_bucket" "this" {
  # checkov:skip=CKV_GCP_62: access is in the audit log of the project (audit.tf), which sees more than access logs do
  # checkov:skip=CKV_GCP_63: it logs to no bucket at all; the check takes an empty list in a plan for one
  # checkov:skip=CKV_GCP_78: every bucket has versions but audit, whose objects nobody can change while they are held
  # checkov:skip=CKV_GCP_114: prevented for every bucket but web, whose pages everybody is meant to read; tests hold it
  project                     = var.project
  name                        = "${var.prefix}${var.name}"
  location                    = var.location
  labels                      = { bucket = var.name }
  uniform_bucket_level_access = true
  public_access_prevention    = var.public ? "inherited" : "enforced"

  versioning {
    enabled = var.held_days == null # objects that are held are not written over; Cloud Storage refuses the two together
  }

  # Versions already bring back what was deleted; a second net would only add its days to theirs.
  soft_delete_policy {
    retention_duration_seconds = 0
  }

  dynamic "lifecycle_rule" {
    for_each = var.days == null ? [] : [var.days]
    content {
      action {
        type = "Delete"
      }
      condition {
        age        = lifecycle_rule.value
        with_state = "LIVE"
      }
    }
  }

  lifecycle_rule {
    action {
      type = "Delete"
    }
    condition {
      days_since_noncurrent_time = var.older_copies_days
      with_state                 = "ARCHIVED"
    }
  }

  lifecycle_rule {
    action {
      type = "AbortIncompleteMultipartUpload"
    }
    condition {
      age = 1
    }
  }

  dynamic "retention_policy" {
    for_each = var.held_days == null ? [] : [var.held_days]
    content {
      retention_period = retention_policy.value * 86400
      is_locked        = var.held_for_ever
    }
  }

  dynamic "encryption" {
    for_each = var.encryption_key == null ? [] : [var.encryption_key]
    content {
      default_kms_key_name = encryption.value
    }
  }
}

resource "google_storage_bucket_iam_member" "everybody_reads" {
  # checkov:skip=CKV_GCP_28: exists for the bucket web alone, see the validation of "public"
  count  = var.public ? 1 : 0
  bucket = google_storage_bucket.this.name
  role   = "roles/storage.objectViewer"
  member = "allUsers"
}

output "name" {
  description = "Its name in the world."
  value       = google_storage_bucket.this.name
}
