"""Files of a card: uploaded straight into the bucket, looked at, and only then attached."""
