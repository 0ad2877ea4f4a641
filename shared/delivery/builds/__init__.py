"""Builds of features: their numbers, their results, and the vulnerabilities that were found in them."""
