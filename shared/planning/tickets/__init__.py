"""Tickets: a card with its first task, its approval, what keeps it from going on, and all that is known of it."""
