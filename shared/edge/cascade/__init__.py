"""Deletion of a workspace's data: disabled at once, removed after thirty days. All steps may be repeated and interrupted."""
