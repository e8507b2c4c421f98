# A place to try things in: nothing is protected, so that it can be taken down whole.
project         = "tombola-dev"
project_number  = "100000000001"
environment     = "dev"
region          = "europe-west1"
location        = "EU"
bucket_prefix   = "tombola-dev-"
operators       = ["group:tombola-developers@example.com"]
alert_addresses = ["tombola-dev@example.com"]
first_rotation  = "2027-03-01T00:00:00Z"
protect         = false
monthly_budget  = 50

# Commits are checked here, and deployed here first.
pipeline = {
  repository    = "projects/tombola-dev/locations/europe-west1/connections/github/repositories/tombola"
  builder       = "europe-west1-docker.pkg.dev/tombola-dev/functions/builder@sha256:0000000000000000000000000000000000000000000000000000000000000000"
  checks        = true
  approval      = false
  watch_seconds = 60
  next          = "tombola-prod/europe-west1/deploy"
}
