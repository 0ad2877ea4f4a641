"""Requests of sandboxes to hosts outside of the platform: by an allow list, through the guard, with secrets by name."""
