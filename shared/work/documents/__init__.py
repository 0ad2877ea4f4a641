"""Documents of a project: written by people and agents, every version kept."""
