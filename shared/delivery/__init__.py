"""Delivery: builds, the operations that make them, and what runs them."""
