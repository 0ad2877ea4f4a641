"""A client that watches a card's terminal: greeting, catching up, pausing, replay, search."""
