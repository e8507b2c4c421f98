"""Tracing: which call came of which, carried in headers and attributes, and spans told to whoever records them."""
