"""Runs: an agent does a card's work, step by step, under a lease, within a budget, and always comes to an end."""
