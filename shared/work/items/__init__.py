"""Work items: cards, tickets, features and requirements are the same entity."""
