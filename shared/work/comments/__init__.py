"""Comments of people and agents on a card, in threads."""
