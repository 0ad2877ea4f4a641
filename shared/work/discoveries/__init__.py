"""Discoveries: problems and ideas that an agent meets while it works and that need work of their own."""
