bucket = "tombola-prod-terraform"
prefix = "tombola"
