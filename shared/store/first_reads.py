"""A row that decides whether a request may go on, read together with the first rows that the request asks for.

`decide_with_first_read` names the row for the current request. The next `get` or `get_many` reads it too, in the same round trip, and
returns nothing before the decision; a query is sent at the same time as a read of that row, and any other call waits for it. A refusal
is raised at each of them.
"""

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from shared.core.errors import CadreError

Key = tuple[str, str, str]
"""Table, partition key and sort key of a row."""


@dataclass
class Decision:
    """What is decided by the row `key`: `decide` gets it (raw, None if there is none) and raises an error to refuse."""

    key: Key
    decide: Callable[[dict[str, Any] | None], None]
    open: bool = True
    refusal: CadreError | None = None

    def take(self, raw: dict[str, Any] | None) -> None:
        """Decide by the row that was read. Raises the refusal. Any other error leaves it open: nothing is decided by a read that failed."""
        self.open = False  # `decide` may use the store itself
        try:
            self.decide(raw)
        except CadreError as error:
            self.refusal = error
            raise
        except BaseException:
            self.open = True
            raise


_decision: ContextVar[Decision | None] = ContextVar("decision", default=None)


def decide_with_first_read(key: Key, decide: Callable[[dict[str, Any] | None], None]) -> None:
    """Let the row `key` decide whether the current request may go on."""
    _decision.set(Decision(key, decide))


def open_decision() -> Decision | None:
    """Return what decides on the current request, if it is still open. Raises the refusal, if it was refused."""
    waiting = _decision.get()
    if waiting is None:
        return None
    if waiting.refusal is not None:
        raise waiting.refusal
    return waiting if waiting.open else None
