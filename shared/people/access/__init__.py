"""Who is let in: the access record of a caller, and the tokens that name it."""
