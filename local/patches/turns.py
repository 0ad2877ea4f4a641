"""Which call of a function may take a worker now, and how long another one waits."""

import os

USUAL = max(3, os.cpu_count() or 2)  # workers that start at once
MOST = 16  # workers of a function, of about 20 MB each
ROOM = 4  # of them, for calls that functions make: their callers hold a worker while they wait
PATIENCE = 1.5  # seconds: then more than the usual workers start
WITHIN = 29.0  # seconds: API Gateway stops waiting


def wait_for(busy: int, free: int, waited: float, *, nested: bool) -> float | None:
    """Seconds to wait at most before asking again: 0 takes a worker now, None gives up."""
    at_once = free or nested or busy < USUAL or waited >= PATIENCE
    if at_once and busy < (MOST if nested else MOST - ROOM):
        return 0
    if waited >= WITHIN:
        return None
    return (PATIENCE if waited < PATIENCE else WITHIN) - waited
