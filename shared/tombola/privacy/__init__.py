"""Pseudonyms, consent and erasure."""
