"""What the outside sees: the five contracts, the HTTP front of the functions, and what follows from an event."""
