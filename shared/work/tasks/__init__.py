"""Tasks: parts of a card's work, done by agents or people."""
