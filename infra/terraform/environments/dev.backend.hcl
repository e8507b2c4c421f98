bucket = "tombola-dev-terraform"
prefix = "tombola"
