"""Usage: one immutable ledger line for each model call, and daily and monthly sums that add up to the lines exactly."""
