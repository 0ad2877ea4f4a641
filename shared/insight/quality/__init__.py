"""The quality of tasks: what was measured of them, how that develops, and what is to be expected of a new one."""
