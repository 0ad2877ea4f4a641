"""What has to be done before ministack is imported."""

import threading

_REAPER = "dynamodb-ttl-reaper"


def disable_reaper() -> None:
    """Keep ministack's thread for expired items from starting: it starts at import, cannot be stopped, and leaves no stream records."""
    start = threading.Thread.start

    def start_others(self: threading.Thread) -> None:
        if self.name != _REAPER:
            start(self)

    threading.Thread.start = start_others  # type: ignore[method-assign]  # the only hook before that import
