"""Tasks: the pieces of a card's work that agents and people pick up."""
