"""What people and agents say about a card, in threads."""
