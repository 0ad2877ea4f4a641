"""DynamoDB: every write is in a journal before it is acknowledged, and what is saved is a copy of one moment."""

import copy
import json
import os
import threading
from pathlib import Path
from typing import Any

import ministack.app as engine
from ministack.core import persistence
from ministack.core.responses import AccountRegionScopedDict
from ministack.services import dynamodb

from local.patches.scope import account_and_region

_GENERATION = "cadre_journal"
_SMALL = (
    "tags", "ttl_settings", "pitr_settings", "kinesis_destinations", "contributor_insights", "backups", "resource_policies", "exports",
    "imports",
)  # fmt: skip


class Journal:
    """Files of JSON lines, one line for each request that wrote; a saved state names the first file that it does not contain.

    A line is written whole or not at all: the last one of a killed engine may be torn, and then nobody was told that it is stored.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.saved = 0  # the file that the loaded state names
        self._generation = 0
        self._file: Any = None
        self._known: set[tuple[str, str, str]] = set()
        self._entries: list[list[Any]] = []

    def record(self, table: dict[str, Any], partition: str, sort: str, item: dict[str, Any] | None) -> None:
        """Note an item that was put, or (None) removed; the table's definition once in each file, as it may be newer than the state."""
        _arn, _aws, _dynamodb, region, account, name = table["TableArn"].split(":", 5)
        key = (account, region, name.removeprefix("table/"))
        if key not in self._known:
            self._known.add(key)
            self._entries.append([*key, _definition(table)])
        self._entries.append([*key, partition, sort, item])

    def commit(self) -> None:
        """Write what was recorded; it survives the process."""
        if not self._entries:
            return
        if self._file is None:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._file = self._path(self._generation).open("ab", buffering=0)
        self._file.write(json.dumps(self._entries, default=persistence._json_default).encode() + b"\n")
        self._entries = []

    def rotate(self) -> int:
        """Begin another file if this one has lines; returns its number: all before it is in the state that is copied now."""
        if self._file is not None:
            self._file.close()
            self._begin(self._generation + 1)
        return self._generation

    def _begin(self, generation: int) -> None:
        self._generation, self._file = generation, None
        self._known.clear()

    def forget(self) -> None:
        """Delete the files that the saved state contains, if there is one that contains all but the current."""
        for number, path in self._files():
            if number < self._generation:
                path.unlink()

    def replay(self) -> None:
        """Do again what the saved state lacks, with its stream records: consumers know what they have seen."""
        files = self._files()
        for number, path in files:
            if number >= self.saved:
                for line in path.read_bytes().split(b"\n")[:-1]:  # the last one is empty, or torn
                    for entry in json.loads(line, object_hook=persistence._json_object_hook):
                        _apply_entry(*entry)
        self._begin(max([self.saved, *(number + 1 for number, _ in files)]))

    def _files(self) -> list[tuple[int, Path]]:
        return sorted((int(path.stem.rpartition("-")[2]), path) for path in self._folder.glob("dynamodb-*.journal"))

    def _path(self, generation: int) -> Path:
        return self._folder / f"dynamodb-{generation}.journal"


_put, remove_unrecorded = dynamodb._set_item, dynamodb._remove_item  # the engine's own
journal = Journal(Path(os.environ.get("STATE_DIR", "state")))


def apply() -> None:
    """Apply this module's patches."""
    lock_requests()
    copy_under_the_lock()
    if persistence.PERSIST_STATE:
        write_journal()
        replay_at_start()


def lock_requests() -> None:
    """Fault: requests do not take the lock that other threads take.

    Symptom: an expiry fails because a table changes while it is walked, and a state is saved in the middle of a transaction, or never
    while requests go on. A request is one call without a wait, so that it can hold the lock from beginning to end.
    """
    dynamodb._lock = threading.RLock()
    handle = dynamodb.handle_request

    async def handle_alone(*args: Any, **named: Any) -> Any:
        with dynamodb._lock:
            try:
                return await handle(*args, **named)
            finally:
                journal.commit()

    dynamodb.handle_request = handle_alone


def copy_under_the_lock() -> None:
    """Fault: the state is copied item by item while requests change it. Symptom: at full load it is never saved.

    Items are replaced and never changed, so the copy shares them: 20,000 take some milliseconds.
    """

    def get_state() -> dict[str, Any]:
        with dynamodb._lock:
            tables = AccountRegionScopedDict()
            for (account, region, name), table in dynamodb._tables.all_items():
                items = {partition: dict(rows) for partition, rows in table["items"].items()}
                tables.set_scoped(account, region, name, {**_definition(table), "items": items})
            small = {name: copy.deepcopy(getattr(dynamodb, f"_{name}")) for name in _SMALL}
            return {"tables": tables, **small, _GENERATION: journal.rotate()}

    dynamodb.get_state = get_state


def write_journal() -> None:
    """Fault: what was written since the last snapshot is lost when the engine is killed. Symptom: acknowledged rows are missing."""

    def put_and_record(table: Any, partition: Any, sort: Any, item: Any) -> Any:
        old = _put(table, partition, sort, item)
        journal.record(table, partition, sort, item)
        return old

    def remove_and_record(table: Any, partition: Any, sort: Any) -> Any:
        old = remove_unrecorded(table, partition, sort)
        if old is not None:
            journal.record(table, partition, sort, None)
        return old

    dynamodb._set_item, dynamodb._remove_item = put_and_record, remove_and_record


def replay_at_start() -> None:
    """The other half of `write_journal`: what the saved state lacks is done again, also when none was saved yet."""
    restore, load = dynamodb.load_persisted_state, engine._load_persisted_state

    def restore_and_note(data: Any) -> Any:
        journal.saved = data.get(_GENERATION, 0)
        return restore(data)

    def load_and_replay() -> None:
        load()
        journal.replay()

    dynamodb.load_persisted_state, engine._load_persisted_state = restore_and_note, load_and_replay


def _definition(table: dict[str, Any]) -> dict[str, Any]:
    left_out = ("items", dynamodb._INDEX_MEMBERS)
    return {key: copy.deepcopy(value) for key, value in table.items() if key not in left_out}


def _apply_entry(account: str, region: str, name: str, *change: Any) -> None:
    with account_and_region(account, region):
        table = dynamodb._tables.get(name)
        if len(change) == 1:
            if table is None:
                (definition,) = change
                dynamodb._tables[name] = {**definition, "items": dynamodb.defaultdict(dict), "ItemCount": 0, "TableSizeBytes": 0}
            return
        partition, sort, item = change
        if table is None:  # it was deleted before the state was saved
            return
        old = remove_unrecorded(table, partition, sort) if item is None else _put(table, partition, sort, item)
        event = "REMOVE" if item is None else "MODIFY" if old else "INSERT"
        dynamodb._emit_stream_event(name, event, old, item, replicate=False)
