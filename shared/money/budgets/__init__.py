"""Budgets that stop: a model call first reserves its worst case up the chain, and settles afterwards what it really cost."""
