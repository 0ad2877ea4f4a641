"""The messages of a terminal in the format of a contract. `shared.edge.views` builds them; a session decides when to send them."""

from collections.abc import Iterable, Sequence
from typing import Any, Protocol


class TerminalFrames(Protocol):
    """Builds messages as JSON texts. Log entries are passed as texts, too (`canonical`)."""

    def connected(self, connection_id: str, card_id: str, active_runs: Sequence[str]) -> str: ...

    def history(self, texts: Sequence[str]) -> Iterable[str]:
        """Build the messages with the first entries after `connected`; there may be none."""

    def lines(self, texts: Sequence[str]) -> Iterable[str]:
        """Build the messages with further entries."""

    def run_status(
        self,
        run_id: str,
        status: str,
        progress: float | None,
        estimated_completion: str | None,
        last: int | None,
        started: bool,
        version: int | None,
    ) -> str:
        """Build a status message; `last` is the number of the log's last entry if the run has ended. `started`: it has begun to work."""

    def replay_started(self, session: str, run_id: str, total: int, milliseconds: int, speed: float) -> str: ...

    def replayed(self, text: str, position: int, total: int) -> str: ...

    def replay_completed(self, session: str, run_id: str, played: int, milliseconds: int) -> str: ...

    def search_results(self, result: dict[str, Any]) -> str: ...
