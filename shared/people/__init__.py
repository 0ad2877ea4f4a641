"""Accounts, workspaces and their members, and access control."""
