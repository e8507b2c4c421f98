project         = "tombola-prod"
project_number  = "100000000002"
environment     = "prod"
region          = "europe-west1"
location        = "EU"
bucket_prefix   = "tombola-prod-"
domain          = "play.example.com"
operators       = ["group:tombola-operators@example.com"]
alert_addresses = ["tombola-oncall@example.com"]
first_rotation  = "2027-03-01T00:00:00Z"
billing_account = "000000-000000-000000"
monthly_budget  = 2000
telemetry       = true
analysis        = true
partners        = { fizz = ["group:fizz-analysts@example.com"] }

# What shoppers wait for never starts cold; what comes in bursts is capped, so that live orders keep their place.
instances = {
  check_out    = { least = 1, most = 100, most_bulk = 0 }
  choose_offer = { least = 2, most = 200, most_bulk = 0 }
  play_game    = { least = 1, most = 100, most_bulk = 0 }
  record_order = { least = 1, most = 100, most_bulk = 20 }
}

continuous_integration = {
  issuer  = "https://token.actions.githubusercontent.com"
  subject = "repo:tombola-dev/tombola:ref:refs/heads/main"
}

# A commit that dev has had is handed to it, and waits for an operator.
pipeline = {
  repository = "projects/tombola-prod/locations/europe-west1/connections/github/repositories/tombola"
  builder    = "europe-west1-docker.pkg.dev/tombola-prod/functions/builder@sha256:0000000000000000000000000000000000000000000000000000000000000000"
  approval   = true
  started_by = "serviceAccount:tombola-deploy@tombola-dev.iam.gserviceaccount.com"
}
