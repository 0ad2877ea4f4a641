"""From an idea to tickets: explorations, tickets and their phases, duplicates and the graph of dependencies."""
