"""What sandboxes use, by minute, hour and day."""
