"""The door of the API functions."""

from shared.http import starting as starting  # before FastAPI is imported from anywhere
