"""Statistics of a project and of a workspace: counters that follow from events, never sums over rows."""
