"""Authentication of a request: the access record of a caller, and the tokens that name it."""
