"""What agents find on their way that needs work of its own."""
