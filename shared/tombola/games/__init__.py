"""Tokens, plays, draws, prizes and their money."""
