"""The queues, each with how it is worked. A line here makes a queue with its dead letters and alarms; there are no others."""

from dataclasses import dataclass

_DAY = 86_400


@dataclass(frozen=True)
class Work:
    """`batch` messages a call of `consumer`, `at_once` calls at the same time; a message is tried `tries` times and kept `keep` seconds."""

    consumer: str
    batch: int
    at_once: int
    tries: int
    keep: int
    ordered: bool = False
    """FIFO: what is told of one topic arrives in the order in which it was said."""


QUEUES = {
    "agent-runs": Work("run_worker", batch=5, at_once=10, tries=5, keep=4 * _DAY),  # runs are only started here: few are enough
    "ws-live": Work("ws_pusher", batch=10, at_once=50, tries=3, keep=600, ordered=True),  # an old push helps nobody
    "ws-push": Work("ws_pusher", batch=10, at_once=20, tries=3, keep=600),
    "emails": Work("mailer", batch=10, at_once=5, tries=8, keep=4 * _DAY),
    "exports": Work(
        "export_worker", batch=1, at_once=5, tries=3, keep=_DAY
    ),  # works as long as it may; an old one is asked for again
    "cascade": Work("cascade_worker", batch=1, at_once=4, tries=10, keep=14 * _DAY),  # works as long as it may
}
