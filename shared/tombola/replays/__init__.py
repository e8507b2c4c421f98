"""The time machine: recorded orders through a new or changed campaign, at the date they happened."""
