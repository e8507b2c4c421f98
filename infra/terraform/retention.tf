# How long each store keeps what may tell of a person. "Older copies" are what can still be brought back after an
# erasure: versions, time travel, point-in-time recovery, messages. The table in infra/README.md and tests/infra name the same numbers.

locals {
  retention = {
    inbox_days              = 14   # files as retailers sent them
    rejects_days            = 14   # their rejected rows
    staging_days            = 30   # accepted rows, pseudonymous: long enough to load them again after an outage
    facts_days              = 1096 # the warehouse: 156 weeks and the days around them, as long as a profile looks back
    messages_days           = 7    # topics and subscriptions
    dead_letters_days       = 7    # counted from the day a message was given up
    logs_days               = 30
    audit_days              = 3653 # signed heads and commitments, in which there is no person
    objects_older_days      = 7    # versions of objects
    documents_older_days    = 7    # point-in-time recovery of Firestore; Google sets it
    warehouse_travel_days   = 2    # time travel of BigQuery, the least there is
    warehouse_failsafe_days = 7    # what BigQuery keeps after time travel; Google sets it
  }
}
