"""Sandboxes: isolated runtimes of agents, what they say to each other, and what they do together."""
