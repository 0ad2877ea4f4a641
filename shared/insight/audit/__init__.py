"""The audit trail: the log of events as a chain of sealed blocks, and what reads and checks it."""
