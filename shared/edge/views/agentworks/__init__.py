"""agentworks: cards, activities and other entities, the events of a workspace, the messages of a terminal."""
