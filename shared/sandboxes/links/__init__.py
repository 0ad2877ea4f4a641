"""The connections of sandboxes to the platform: who connects, what they say, what they are told."""
