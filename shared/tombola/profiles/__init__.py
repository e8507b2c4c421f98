"""Shoppers' profiles: whole numbers per key and week."""
