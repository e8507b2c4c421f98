variable "domain" {
  description = "Host name that retailers and shoppers call; null means no load balancer: the functions' own addresses are public then."
  type        = string
  default     = null
}

variable "requests_a_minute" {
  description = "How many requests one address may send in a minute before it gets 429, through the load balancer."
  type        = object({ shoppers = number, retailers = number })
  default     = { shoppers = 120, retailers = 6000 }
}

variable "partners" {
  description = "Brands that get a dataset partner_NAME of their own, and who of them may read it."
  type        = map(list(string))
  default     = {}
}

variable "billing_account" {
  description = "Billing account whose budget is watched; null watches none."
  type        = string
  default     = null
}

variable "monthly_budget" {
  description = "What a month may cost, in the billing account's currency; alarms at 50, 90 and 100 per cent, and at 100 per cent forecast."
  type        = number
  default     = 200
}

variable "continuous_integration" {
  description = "Who may deploy without a key: the issuer of the tokens that CI runs bear, and the one subject that may, such as repo:OWNER/NAME:ref:refs/heads/main. Null: nobody."
  type        = object({ issuer = string, subject = string })
  default     = null
}

variable "analysis" {
  description = "Whether analysts get Dataproc Serverless and Vertex AI: a network, accounts and a session template."
  type        = bool
  default     = false
}

variable "composer" {
  description = "Whether Cloud Composer runs, for those who schedule analyses with Airflow. It costs when it does nothing."
  type        = bool
  default     = false
}
