"""The graph of tasks, cards and discoveries: what depends on what, and the longest chain."""
