"""Who sends data, and how."""
