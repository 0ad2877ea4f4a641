"""People, their proof of who they are, and what they may enter."""
