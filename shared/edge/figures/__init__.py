"""What an event counts: the operations that raise the counters of statistics."""
