"""What the agent remembers across a restart: messages and their answers, the turns of its work, the conversations."""

import json
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

_MESSAGES_KEPT: Final = 5_000
_HISTORY_KEPT: Final = 40  # entries of one conversation
_TABLES: Final = """
CREATE TABLE IF NOT EXISTS messages (id TEXT PRIMARY KEY, place INTEGER, data TEXT, answer TEXT, reply_to TEXT,
  done INTEGER DEFAULT 0);
CREATE TABLE IF NOT EXISTS turns (message_id TEXT, number INTEGER, data TEXT, PRIMARY KEY (message_id, number));
CREATE TABLE IF NOT EXISTS questions (message_id TEXT, number INTEGER, data TEXT, PRIMARY KEY (message_id, number));
CREATE TABLE IF NOT EXISTS history (place INTEGER PRIMARY KEY AUTOINCREMENT, conversation TEXT, data TEXT);
CREATE INDEX IF NOT EXISTS history_of ON history (conversation, place);
CREATE INDEX IF NOT EXISTS messages_by_place ON messages (place);
CREATE INDEX IF NOT EXISTS messages_by_reply ON messages (reply_to) WHERE reply_to IS NOT NULL;
"""


@dataclass(frozen=True)
class Known:
    """A message in the journal. `answer` is what was, or is to be, sent; None: nothing."""

    data: dict[str, Any]
    answer: dict[str, Any] | None
    done: bool


class Journal:
    """SQLite in the sandbox's own folder. Each method is one transaction, which is on the disk when it returns."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._base = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._base.execute("PRAGMA journal_mode = WAL")
        self._base.execute("PRAGMA synchronous = FULL")
        self._base.executescript(_TABLES)

    def close(self) -> None:
        self._base.close()

    def receive(self, message: dict[str, Any]) -> bool:
        """Keep a message; False if it is known already."""
        answered = message.get("in_reply_to") if message.get("message_type") == "response" else None
        next_place = "(SELECT coalesce(max(place), 0) + 1 FROM messages)"
        added = self._base.execute(
            f"INSERT OR IGNORE INTO messages (id, place, data, reply_to) VALUES (?, {next_place}, ?, ?)",  # noqa: S608 - a constant
            (message["message_id"], json.dumps(message), answered),
        )
        return added.rowcount == 1

    def get(self, message_id: str) -> Known | None:
        row = self._base.execute("SELECT data, answer, done FROM messages WHERE id = ?", (message_id,)).fetchone()
        return Known(json.loads(row[0]), json.loads(row[1]) if row[1] else None, bool(row[2])) if row else None

    def unfinished(self) -> list[dict[str, Any]]:
        """Return the messages whose work, or whose answer, is not finished, in the order in which they came."""
        rows = self._base.execute("SELECT data FROM messages WHERE done = 0 ORDER BY place").fetchall()
        return [json.loads(row[0]) for row in rows]

    def response_to(self, message_id: str) -> dict[str, Any] | None:
        """Return the response to a message that this sandbox has sent."""
        row = self._base.execute("SELECT data FROM messages WHERE reply_to = ?", (message_id,)).fetchone()
        return json.loads(row[0]) if row else None

    def answer(self, message_id: str, answer: dict[str, Any]) -> None:
        """Keep an answer before it is sent: from now on it is the only one."""
        self._base.execute("UPDATE messages SET answer = ? WHERE id = ? AND answer IS NULL", (json.dumps(answer), message_id))

    def finish(self, message_id: str, conversation: str = "", entries: tuple[dict[str, Any], ...] = ()) -> None:
        """Note that a message needs nothing more, and add to the conversation."""
        self._base.execute("BEGIN IMMEDIATE")
        with self._base:
            first_time = self._base.execute("UPDATE messages SET done = 1 WHERE id = ? AND done = 0", (message_id,)).rowcount
            self._base.execute("DELETE FROM turns WHERE message_id = ?", (message_id,))
            self._base.execute("DELETE FROM questions WHERE message_id = ?", (message_id,))
            if first_time:
                for entry in entries:
                    self._base.execute(
                        "INSERT INTO history (conversation, data) VALUES (?, ?)", (conversation, json.dumps(entry))
                    )
            self._forget(conversation)

    def _forget(self, conversation: str) -> None:
        newest = "SELECT place FROM history WHERE conversation = ? ORDER BY place DESC LIMIT ?"
        self._base.execute(
            f"DELETE FROM history WHERE conversation = ? AND place NOT IN ({newest})",  # noqa: S608 - a constant
            (conversation, conversation, _HISTORY_KEPT),
        )
        old = "SELECT max(place) - ? FROM messages"
        self._base.execute(f"DELETE FROM messages WHERE done = 1 AND place <= ({old})", (_MESSAGES_KEPT,))  # noqa: S608

    def history(self, conversation: str) -> list[dict[str, Any]]:
        rows = self._base.execute("SELECT data FROM history WHERE conversation = ? ORDER BY place", (conversation,)).fetchall()
        return [json.loads(row[0]) for row in rows]

    def reset_history(self) -> int:
        """Forget all conversations; return how many entries there were."""
        return self._base.execute("DELETE FROM history").rowcount

    def turns(self, message_id: str) -> list[dict[str, Any]]:
        rows = self._base.execute("SELECT data FROM turns WHERE message_id = ? ORDER BY number", (message_id,)).fetchall()
        return [json.loads(row[0]) for row in rows]

    def add_turn(self, message_id: str, number: int, entry: dict[str, Any]) -> None:
        self._base.execute("INSERT OR IGNORE INTO turns VALUES (?, ?, ?)", (message_id, number, json.dumps(entry)))

    def question(self, message_id: str, number: int, question: dict[str, Any]) -> dict[str, Any]:
        """Keep what a model is asked in a turn, and return what was kept first: after a restart the same is asked, whatever came
        between."""
        self._base.execute("INSERT OR IGNORE INTO questions VALUES (?, ?, ?)", (message_id, number, json.dumps(question)))
        kept = "SELECT data FROM questions WHERE message_id = ? AND number = ?"
        return dict(json.loads(self._base.execute(kept, (message_id, number)).fetchone()[0]))
