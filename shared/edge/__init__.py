"""The outside of the platform: the five contracts, the HTTP layer of the functions, and what follows from an event."""
