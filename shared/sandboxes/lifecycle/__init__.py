"""The life of a sandbox: made, started, stopped, crashed, asleep, deleted."""
