"""The logs of sandboxes: lines with a number, kept for thirty days, and without anything that looks like a key."""
