"""Search in a workspace: which tickets, tasks, commits and agents have the words that somebody looks for."""
