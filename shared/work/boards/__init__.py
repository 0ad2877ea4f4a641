"""The board of a project: its lanes, the phases and columns that they map to, and the limits on both."""
