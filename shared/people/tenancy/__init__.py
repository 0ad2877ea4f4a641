"""Organizations and workspaces: who owns what, and who belongs where."""
