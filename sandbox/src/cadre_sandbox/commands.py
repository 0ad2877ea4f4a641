"""The commands that a sandbox knows: messages of type `command` with `{"command": name, ...}` as content.

stop_work        end what is in work; each gets an error as its answer
reset_history    forget all conversations
set_log_level    `level`: debug, info, warning or error
"""

from collections.abc import Callable
from typing import Any

from cadre_sandbox.journal import Journal
from cadre_sandbox.logs import LEVELS, Log


class Commands:
    def __init__(self, journal: Journal, log: Log, stop_work: Callable[[], int]) -> None:
        self._journal, self._log, self._stop_work = journal, log, stop_work
        self._known: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "stop_work": lambda _: {"stopped": self._stop_work()},
            "reset_history": lambda _: {"forgotten": self._journal.reset_history()},
            "set_log_level": self._set_log_level,
        }

    def run(self, content: Any) -> dict[str, Any]:
        """Carry out a command; return what is answered, also if it is unknown or wrong."""
        given = content if isinstance(content, dict) else {}
        name = given.get("command")
        command = self._known.get(name) if isinstance(name, str) else None
        if command is None:
            return error("UNKNOWN_COMMAND", f"There is no such command; there are {', '.join(self._known)}")
        try:
            return {"command": name, "status": "done"} | command(given)
        except ValueError as wrong:
            return error("INVALID_COMMAND", str(wrong))

    def _set_log_level(self, content: dict[str, Any]) -> dict[str, Any]:
        level = content.get("level")
        if level not in LEVELS:
            raise ValueError(f"level is one of {', '.join(LEVELS)}")
        self._log.level = level
        return {"level": level}


def error(code: str, message: str) -> dict[str, Any]:
    """Return the content of an answer that says what went wrong."""
    return {"error": {"code": code, "message": message}}
