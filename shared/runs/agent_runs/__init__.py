"""Agent runs: an agent works on a card, step by step, under a lease and within budgets; every run ends."""
