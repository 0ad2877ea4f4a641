"""What stands beside the tables in RESULTS.md: how each was measured, and why something misses its budget."""

NOTES = {"method": "", "cold": "", "warm": "", "trips": "", "terminal": "", "requests": ""}
