"""The messages of a terminal, as a contract writes them. The edge has the texts; a session says when each is due."""

from collections.abc import Iterable, Sequence
from typing import Any, Protocol


class TerminalFrames(Protocol):
    """Each answer is one message as JSON text. Log entries are given as texts, too (`canonical`)."""

    def connected(self, connection_id: str, card_id: str, active_runs: Sequence[str]) -> str: ...

    def history(self, texts: Sequence[str]) -> Iterable[str]:
        """The first entries after `connected`; there may be none."""

    def lines(self, texts: Sequence[str]) -> Iterable[str]:
        """Entries that follow."""

    def run_status(
        self, run_id: str, status: str, progress: float | None, estimated_completion: str | None, last: int | None
    ) -> str:
        """`last` is the number of the log's last entry, of a run that has ended."""

    def replay_started(self, session: str, run_id: str, total: int, milliseconds: int, speed: float) -> str: ...

    def replayed(self, text: str, position: int, total: int) -> str: ...

    def replay_completed(self, session: str, run_id: str, played: int, milliseconds: int) -> str: ...

    def search_results(self, result: dict[str, Any]) -> str: ...
