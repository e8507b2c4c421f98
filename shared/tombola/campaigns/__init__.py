"""Campaign files, criteria and lifecycle."""
