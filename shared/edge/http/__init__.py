"""The HTTP layer of the API functions."""

from shared.edge.http import cold_start as cold_start  # before FastAPI is imported from anywhere
