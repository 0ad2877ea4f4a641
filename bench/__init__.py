"""Measurements, side by side in one run. Never a test: time decides nothing in CI."""
