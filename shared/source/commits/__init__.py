"""Commits of connected repositories, and the cards that they are linked to."""
