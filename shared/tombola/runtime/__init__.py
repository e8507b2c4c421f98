"""What a deployed function stands on: events in and out, errors, retries, logs, wiring."""
