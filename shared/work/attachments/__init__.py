"""Files of a card: the client uploads a file to the bucket, and it is attached after its content has been checked."""
