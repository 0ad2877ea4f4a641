"""Writing for explorations with a model: calls that are metered and stop at budgets, and what of their answers is used."""
