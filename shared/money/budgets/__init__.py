"""Budgets: a model call reserves its highest possible price in every budget above it, and settles its real price afterwards."""
