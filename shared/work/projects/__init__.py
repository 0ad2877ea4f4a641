"""Projects: what a workspace works on. Each has one board."""
