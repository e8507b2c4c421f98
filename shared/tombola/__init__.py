"""Tombola: retailers' data turned into promotion games with draws a stranger can verify."""
