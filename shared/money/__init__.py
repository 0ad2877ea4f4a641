"""Budgets, usage and billing."""
