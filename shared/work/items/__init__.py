"""Work items: the card, the ticket, the feature and the requirement are one thing."""
