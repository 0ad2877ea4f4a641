"""What a workspace remembers of finished tasks, and the patterns in it."""
