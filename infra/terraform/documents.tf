# Firestore. What is indexed stands once, in the code (tombola.ports.documents), and comes here as generated/documents.json.

locals {
  documents = jsondecode(file("${path.module}/generated/documents.json"))
}

resource "google_firestore_database" "this" {
  # checkov:skip=CKV_GCP_124: CMEK is set where a key is given
  project                           = local.project
  name                              = "(default)"
  location_id                       = local.documents_location
  type                              = "FIRESTORE_NATIVE"
  concurrency_mode                  = "OPTIMISTIC"
  app_engine_integration_mode       = "DISABLED"
  point_in_time_recovery_enablement = "POINT_IN_TIME_RECOVERY_ENABLED"
  delete_protection_state           = var.protect ? "DELETE_PROTECTION_ENABLED" : "DELETE_PROTECTION_DISABLED"
  deletion_policy                   = var.protect ? "ABANDON" : "DELETE"
  depends_on                        = [google_kms_crypto_key_iam_member.agents]

  dynamic "cmek_config" {
    for_each = var.encryption_key == null ? [] : [var.encryption_key]
    content {
      kms_key_name = cmek_config.value
    }
  }
}

locals {
  database  = "projects/${var.project}/databases/${google_firestore_database.this.name}"
  unindexed = jsonencode({ indexConfig = { indexes = [] } })
  # Firestore calls its multi-regions otherwise than BigQuery and Cloud Storage do.
  documents_location = lookup({ EU = "eur3", US = "nam5" }, upper(var.location), var.location)
}

resource "google_firestore_index" "composite" {
  for_each    = { for index in local.documents.composite_indexes : "${index.collection} ${join(" ", index.fields[*].field)}" => index }
  project     = local.project
  database    = google_firestore_database.this.name
  collection  = each.value.collection
  query_scope = "COLLECTION"

  dynamic "fields" {
    for_each = each.value.fields
    content {
      field_path = fields.value.field
      order      = fields.value.order
    }
  }
}

# Indexing is off unless declared: every index of a field is written at every write, and a hot range of one caps the
# rate of its collection. First off for all fields of a collection, then on for those that are asked by.
resource "google_firestore_field" "override" {
  for_each   = { for field in local.documents.field_overrides : "${field.collection} ${field.field}" => field if field.field != "*" }
  project    = local.project
  database   = google_firestore_database.this.name
  collection = each.value.collection
  field      = each.value.field

  index_config {
    dynamic "indexes" {
      for_each = each.value.indexes
      content {
        order       = indexes.value
        query_scope = "COLLECTION"
      }
    }
  }

  dynamic "ttl_config" {
    for_each = each.value.expires ? [1] : []
    content {}
  }
}

# The provider cannot say it of all fields at once (hashicorp/terraform-provider-google#19598): it sends a TTL along,
# which Firestore takes of single fields only. Until it can, the same request is sent by hand, and again when it changes.
resource "terraform_data" "unindexed" {
  for_each         = toset([for field in local.documents.field_overrides : field.collection if field.field == "*"])
  triggers_replace = [google_firestore_database.this.name, local.unindexed]

  provisioner "local-exec" {
    command     = <<-EOT
      curl --fail --silent --show-error --request PATCH "$FIELD?updateMask=indexConfig" --data "$BODY" \
        --header "Authorization: Bearer $(gcloud auth print-access-token)" --header 'Content-Type: application/json'
    EOT
    interpreter = ["/bin/sh", "-c"]
    environment = {
      BODY  = local.unindexed
      FIELD = "https://firestore.googleapis.com/v1/${local.database}/collectionGroups/${each.value}/fields/*"
    }
  }
}
