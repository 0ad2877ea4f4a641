"""Model calls that a sandbox asks for: the platform makes them, meters them, and keeps the keys."""
