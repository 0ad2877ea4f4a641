"""Validation: a task is done when a validator has found its result to meet the acceptance criteria of its card."""
