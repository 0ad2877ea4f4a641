"""Who there is, what they belong to, and what they may enter."""
