"""What was used: one immutable line for each model call, and sums by day that add up to them exactly."""
