"""Tasks that several sandboxes do together."""
