"""Every function in one process, the event loop of a laptop, the console."""
