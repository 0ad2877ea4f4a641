"""Projects of a workspace. Each project has exactly one board."""
