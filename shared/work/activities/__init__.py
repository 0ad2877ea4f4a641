"""What happened to a card, as people read it: the event log seen from the item and from the project."""
