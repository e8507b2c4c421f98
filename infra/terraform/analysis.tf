# For analysts, where there are some: Spark without a cluster (Dataproc Serverless) and Vertex AI, in a network without
# public addresses, under an account that reads what happened and writes what was computed.

locals {
  network  = var.analysis || var.composer ? { analysis = true } : {}
  analysts = var.analysis ? { analysis = true } : {}
}

resource "google_compute_network" "analysis" {
  for_each                = local.network
  project                 = local.project
  name                    = each.key
  auto_create_subnetworks = false
}

resource "google_compute_subnetwork" "analysis" {
  for_each                 = local.network
  project                  = local.project
  region                   = var.region
  name                     = each.key
  network                  = google_compute_network.analysis[each.key].id
  ip_cidr_range            = "10.10.0.0/20"
  private_ip_google_access = true

  log_config {
    aggregation_interval = "INTERVAL_10_MIN"
    flow_sampling        = 0.1
    metadata             = "INCLUDE_ALL_METADATA"
  }
}

# Executors of one job talk to each other, and nobody else talks to them.
resource "google_compute_firewall" "analysis_among_themselves" {
  for_each      = local.network
  project       = local.project
  name          = "analysis-among-themselves"
  network       = google_compute_network.analysis[each.key].id
  direction     = "INGRESS"
  source_ranges = [google_compute_subnetwork.analysis[each.key].ip_cidr_range]

  allow {
    protocol = "all"
  }
}

resource "google_service_account" "analysis" {
  for_each     = local.analysts
  project      = local.project
  account_id   = "tombola-analysis"
  display_name = "Computations over history: Spark and Vertex AI"
}

resource "google_project_iam_member" "analysis" {
  for_each = var.analysis ? toset(["roles/dataproc.worker", "roles/aiplatform.user", "roles/bigquery.jobUser", "roles/bigquery.readSessionUser"]) : []
  project  = local.project
  role     = each.value
  member   = google_service_account.analysis["analysis"].member
}

resource "google_bigquery_dataset_iam_member" "analysis" {
  for_each   = var.analysis ? { (local.dataset) = "roles/bigquery.dataViewer", computed = "roles/bigquery.dataEditor" } : {}
  project    = local.project
  dataset_id = google_bigquery_dataset.this[each.key].dataset_id
  role       = each.value
  member     = google_service_account.analysis["analysis"].member
}

resource "google_data_catalog_policy_tag_iam_member" "analysis" {
  for_each   = local.analysts
  policy_tag = google_data_catalog_policy_tag.personal.name
  role       = "roles/datacatalog.categoryFineGrainedReader"
  member     = google_service_account.analysis[each.key].member
}

resource "google_service_account_iam_member" "operators_analyse" {
  for_each           = var.analysis ? toset(var.operators) : []
  service_account_id = google_service_account.analysis["analysis"].name
  role               = "roles/iam.serviceAccountUser"
  member             = each.value
}

resource "google_dataproc_session_template" "spark" {
  for_each = local.analysts
  project  = local.project
  location = var.region
  name     = "projects/${var.project}/locations/${var.region}/sessionTemplates/tombola-spark"

  runtime_config {
    version = "2.3"
    properties = {
      "spark.sql.session.timeZone" = "UTC"
    }
  }

  environment_config {
    execution_config {
      service_account = google_service_account.analysis[each.key].email
      subnetwork_uri  = google_compute_subnetwork.analysis[each.key].id
      kms_key         = var.encryption_key
      ttl             = "28800s"
      idle_ttl        = "1800s"
    }
  }

  spark_connect_session {}
}
