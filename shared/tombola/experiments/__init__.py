"""The control group and what it shows."""
