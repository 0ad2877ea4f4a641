"""The data folder of the local cloud: checked and locked before anything starts."""

import fcntl
import json
import os
from pathlib import Path
from typing import IO, Any

from local import ENGINE_VERSION, LocalError
from local.engine import private

FORMAT = 5
"""The form of the stored data. A start refuses an older folder and says to delete it, since nothing is migrated on a laptop."""
_VALUES_FILE = "local.json"


class DataFolder:
    """`CADRE_DATA` (default `.cadre/`): the engine's state, its log, `endpoints.json`."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self._lock: IO[str] | None = None

    def open(self) -> None:
        """Create or check the folder and lock it; raises `LocalError`, whose message says what to do."""
        try:
            self._acquire()
            self._check_version()
            self._check_state()
        except LocalError:
            self.close()
            raise

    def _acquire(self) -> None:
        try:
            private(self.path)
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
        """Unlock the folder."""
        if self._lock:
            self._lock.close()
            self._lock = None

    def get(self, key: str) -> Any:
        """A value that was stored with `remember`; None if there is none."""
        return self._values().get(key)

    def remember(self, **values: object) -> None:
        """Store values in the folder, for later starts."""
        write_json(self.path / _VALUES_FILE, {**self._values(), "format": FORMAT, "engine": ENGINE_VERSION, **values})

    def _values(self) -> dict[str, Any]:
        path = self.path / _VALUES_FILE
        if not path.exists():
            return {}
        values = self._load(path)
        if not isinstance(values, dict):
            raise self._damaged(path)
        return values

    def _check_version(self) -> None:
        values = self._values()
        if not values and any((self.path / "state").glob("*.json")):
            raise LocalError(f"{self.path} was not made by this program: {self._advice()}")
        versions = (values.get("format", FORMAT), values.get("engine", ENGINE_VERSION))
        if versions != (FORMAT, ENGINE_VERSION):
            raise LocalError(
                f"{self.path} was made by another version (format {versions[0]}, engine {versions[1]}): {self._advice()}"
            )

    def _check_state(self) -> None:
        """Read every state file: the engine itself would ignore a damaged one and start empty."""
        for path in sorted((self.path / "state").glob("*.json")):
            state = self._load(path)
            if not isinstance(state, dict) or "payload" not in state:
                raise self._damaged(path)
            if path.stem == "lambda":
                self._check_code(state)

    def _check_code(self, state: Any) -> None:
        """Check that the files with the functions' code exist; the state names them by their hash."""
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
        return LocalError(f"{path} is damaged and cannot be read: {self._advice()}")

    def _advice(self) -> str:
        return f"move the folder away or delete it (rm -r {self.path}) to start afresh, or set CADRE_DATA to another one"


def write_json(path: Path, value: object) -> None:
    """Write a JSON file by a rename, so that it is never half written."""
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(value, indent=2) + "\n")
    os.replace(temporary, path)
