# A policy tag on every column that tells of one person: without the right to it, even the owner of a table cannot read
# those columns.

locals {
  personal_tag = google_data_catalog_policy_tag.personal.name
  # Messages are whole events: their text may name a shopper's pseudonym anywhere.
  personal_columns = ["data", "attributes"]
}

resource "google_data_catalog_taxonomy" "privacy" {
  project                = local.project
  region                 = lower(var.location)
  display_name           = "Tombola: privacy"
  description            = "What must not be read by everybody who may read a table."
  activated_policy_types = ["FINE_GRAINED_ACCESS_CONTROL"]
}

resource "google_data_catalog_policy_tag" "personal" {
  taxonomy     = google_data_catalog_taxonomy.privacy.id
  display_name = "personal"
  description  = "Tells of one person, under a pseudonym."
}
