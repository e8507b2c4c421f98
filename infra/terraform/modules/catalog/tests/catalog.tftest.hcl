# Offline: the module has no provider.

variables {
  folder = "../../../../functions"
}

run "defaults_are_filled_in" {
  command = plan

  assert {
    condition     = output.functions["record_order"].sizing.ack_deadline == 600
    error_message = "what a manifest does not say stands in defaults.yaml"
  }
  assert {
    condition     = output.functions["export_report"].sizing.memory == "2Gi"
    error_message = "a manifest's own word comes before the defaults"
  }
}

run "every_function_has_one_trigger_and_a_service" {
  command = plan

  assert {
    condition     = alltrue([for one in values(output.functions) : contains(["topic", "bucket", "http", "schedule"], one.trigger.kind)])
    error_message = "every function has exactly one trigger"
  }
  assert {
    condition     = output.functions["validate_feed"].service == "validate-feed" && output.functions["validate_feed"].trigger.bucket == "inbox"
    error_message = "the folder validate_feed is the service validate-feed, called for new objects of the inbox"
  }
  assert {
    condition     = output.functions["record_order"].trigger.lanes == tolist(["live", "bulk"])
    error_message = "lanes are those of the manifest"
  }
}

run "a_folder_of_something_else_is_refused" {
  command = plan
  variables {
    folder = "../../environments"
  }
  expect_failures = [var.folder]
}
