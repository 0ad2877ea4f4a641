"""Organizations, workspaces and their members."""
