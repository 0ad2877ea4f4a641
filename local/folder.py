"""The data folder: whose it is, whether it can be read, who uses it now."""

import fcntl
import json
import os
from pathlib import Path
from typing import IO, Any

from local import ENGINE_VERSION, LocalError

FORMAT = 1
_MARK = "local.json"


class DataFolder:
    """`CADRE_DATA` (default `.cadre/`): the engine's state, its log, `endpoints.json`."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self._lock: IO[str] | None = None

    def open(self) -> None:
        """Create or check the folder and take it; raises `LocalError` with what to do."""
        try:
            self._take()
            self._check_version()
            self._check_state()
        except LocalError:
            self.close()
            raise

    def _take(self) -> None:
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._lock = (self.path / "lock").open("w")
        except OSError as error:
            raise LocalError(
                f"the data folder {self.path} cannot be used ({error.strerror}): set CADRE_DATA to another one"
            ) from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise LocalError(f"another `local run` uses {self.path}: end it, or set CADRE_DATA to another folder") from error

    def close(self) -> None:
        """Give the folder back."""
        if self._lock:
            self._lock.close()
            self._lock = None

    def get(self, key: str) -> Any:
        """A value remembered with the folder, None when there is none."""
        return self._mark().get(key)

    def remember(self, **values: object) -> None:
        """Remember values with the folder."""
        write_json(self.path / _MARK, {**self._mark(), "format": FORMAT, "engine": ENGINE_VERSION, **values})

    def _mark(self) -> dict[str, Any]:
        path = self.path / _MARK
        if not path.exists():
            return {}
        found = self._load(path)
        if not isinstance(found, dict):
            raise self._damaged(path)
        return found

    def _check_version(self) -> None:
        mark = self._mark()
        if not mark and any((self.path / "state").glob("*.json")):
            raise LocalError(f"{self.path} was not made by this program: {self._way_out()}")
        made = (mark.get("format", FORMAT), mark.get("engine", ENGINE_VERSION))
        if made != (FORMAT, ENGINE_VERSION):
            raise LocalError(f"{self.path} was made by another version (format {made[0]}, engine {made[1]}): {self._way_out()}")

    def _check_state(self) -> None:
        """Read every state file now: the engine would drop an unreadable one without a word and start empty."""
        for path in sorted((self.path / "state").glob("*.json")):
            found = self._load(path)
            if not isinstance(found, dict) or "payload" not in found:
                raise self._damaged(path)
            if path.stem == "lambda":
                self._check_code(found)

    def _check_code(self, state: Any) -> None:
        """The functions' code lies beside the state, in files named by their hash."""
        if isinstance(state, dict):
            blob = state.get("code_blob_ref")
            if isinstance(blob, str) and not list((self.path / "state" / "lambda-blobs").glob(f"{blob}*")):
                raise self._damaged(self.path / "state" / "lambda-blobs" / blob)
            for value in state.values():
                self._check_code(value)

    def _load(self, path: Path) -> Any:
        try:
            return json.loads(path.read_bytes())
        except (ValueError, OSError) as error:
            raise self._damaged(path) from error

    def _damaged(self, path: Path) -> LocalError:
        return LocalError(f"{path} is damaged and cannot be read: {self._way_out()}")

    def _way_out(self) -> str:
        return f"move the folder away or delete it (rm -r {self.path}) to start afresh, or set CADRE_DATA to another one"


def write_json(path: Path, value: object) -> None:
    """Write a whole file or none."""
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(value, indent=2) + "\n")
    os.replace(temporary, path)
