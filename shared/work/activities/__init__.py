"""Activities: the event log of a card, a project or a workspace, as people read it."""
