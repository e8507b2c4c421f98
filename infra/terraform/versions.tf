terraform {
  required_version = ">= 1.11"
  required_providers {
    google = {
      source  = "hashicorp/google"
      version = ">= 6.50, < 8"
    }
  }

  # Which bucket holds the state, and under which prefix, is said at init: -backend-config=environments/dev.backend.hcl
  backend "gcs" {}
}

provider "google" {
  project               = var.project
  region                = var.region
  billing_project       = var.project
  user_project_override = true
  default_labels        = { application = "tombola", environment = var.environment }
}
