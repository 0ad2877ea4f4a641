"""The board of a project: lanes, the phases and columns they map to, and what may be where."""
