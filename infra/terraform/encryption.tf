# With a key of our own: Google's agents may use it, nobody else.

resource "google_kms_crypto_key_iam_member" "agents" {
  for_each      = var.encryption_key == null ? {} : local.agents
  crypto_key_id = var.encryption_key
  role          = "roles/cloudkms.cryptoKeyEncrypterDecrypter"
  member        = each.value
}
