"""The texts and hashes of the audit trail, and the check of an export by them. Only the standard library: it needs neither the platform
nor a network.

An entry is one line of JSON; its hash is the SHA-256 of the line. A block is a line of JSON too: `entries` lists for each of its entries
the log, the position and the hash, and `previous` is the hash of the block before it. So whoever knows the hash of one block can check
everything before it.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

GENESIS = "0" * 64
"""The previous hash of a tenant's first block."""
BLOCK = b'{"block":'
"""How the line of a block begins in an export; all other lines are entries."""


def canonical(value: Any) -> str:
    """Return the one text of a value: sorted names, no spaces, no escapes."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest(text: str | bytes) -> str:
    return hashlib.sha256(text.encode() if isinstance(text, str) else text).hexdigest()


def block_body(tenant: str, number: int, previous: str, entries: Iterable[tuple[str, str, str]]) -> str:
    """Return the text of a block. Entries are (log, position, hash); each log is named once."""
    entries = list(entries)
    logs = sorted({log for log, _, _ in entries})
    index = {log: at for at, log in enumerate(logs)}
    listed = [[index[log], position, of] for log, position, of in entries]
    return canonical({"entries": listed, "logs": logs, "number": number, "previous": previous, "tenant": tenant})


def entries_of(body: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield log, position and hash of the entries of a block."""
    for log, position, of in body["entries"]:
        yield body["logs"][log], position, of


@dataclass
class Report:
    """What a check has found: `faults` is empty for an export that is as it was."""

    entries: int = 0
    blocks: int = 0
    unsealed: int = 0
    """Entries that were too new to be in a block: nothing proves them yet."""
    last_hash: str = GENESIS
    faults: list[str] = field(default_factory=list)


def check_export(text: bytes) -> Report:
    """Check an export with proof: name each entry that was changed, that is missing, that was added, doubled or moved, and each block that
    does not follow from the one before it."""
    report = Report()
    lines = [line.rstrip(b"\r").removesuffix(b",") for line in text.split(b"\n")]
    head, chain, logs = _parts(lines, report)
    if report.faults:
        return report
    pending: list[bytes] = []
    previous: str | None = None
    number: int | None = None
    for line in chain:
        if not line.startswith(BLOCK):
            pending.append(line)
            continue
        found = _block(line, previous, number, head.get("tenant"), report)
        if found is not None:
            body, of = found
            expected = [(position, of) for log, position, of in entries_of(body) if logs is None or log in logs]
            _compare(expected, pending, report)
            previous, number = of, int(body["number"])
            report.blocks += 1
            report.last_hash = of
        pending = []
    report.unsealed = len(pending)
    _check_ends(head, number, previous, report)
    return report


def _parts(lines: Sequence[bytes], report: Report) -> tuple[dict[str, Any], Sequence[bytes], frozenset[str] | None]:
    """Return the head of an export, the lines of its chain, and the logs that it is about (None: all of the tenant)."""
    try:
        head = json.loads(lines[0].removeprefix(b'{"export":'))
        end = len(lines) - 1 - lines[::-1].index(b"]")
        if lines[1] != b'"chain":[':
            raise ValueError("no chain")
    except (ValueError, IndexError):
        report.faults.append("This is no export with proof: its first line, its list or its end is not as it was written")
        return {}, (), None
    logs = head.get("logs")
    return head, [line for line in lines[2:end] if line], None if logs is None else frozenset(logs)


def _block(
    line: bytes, previous: str | None, number: int | None, tenant: Any, report: Report
) -> tuple[dict[str, Any], str] | None:
    """Return the body of a block and its hash, if the block is as it was sealed."""
    after = "the first block" if number is None else f"the block after {number}"
    try:
        text, _, of = line.removeprefix(BLOCK).rpartition(b',"hash":"')
        of_text = of.removesuffix(b'"}').decode()
        body = json.loads(text)
        place = f"block {int(body['number'])}"
        if digest(text) != of_text:
            raise ValueError("its hash is another one")
        if body["tenant"] != tenant:
            raise ValueError("it is of another tenant")
        if number is not None and (body["number"] != number + 1 or body["previous"] != previous):
            raise ValueError(f"it does not follow block {number}")
        if body["number"] == 1 and body["previous"] != GENESIS:
            raise ValueError("nothing can come before the first block")
    except (ValueError, KeyError, TypeError) as error:
        report.faults.append(f"{locals().get('place', after)} is not as it was sealed: {error}")
        return None
    return body, of_text


def _compare(expected: Sequence[tuple[str, str]], lines: Sequence[bytes], report: Report) -> None:
    """Compare the lines before a block with the hashes in it, and name what differs."""
    found = [digest(line) for line in lines]
    report.entries += len(found)
    if found == [of for _, of in expected]:
        return
    places = {of: at for at, (_, of) in enumerate(expected)}
    counts = Counter(found)
    strangers = [(at, _id_in(line)) for at, (line, of) in enumerate(zip(lines, found, strict=True)) if of not in places]
    changed = {event_id: at for at, event_id in strangers if event_id}
    free = [at for at, event_id in strangers if event_id is None or not any(_id_of(one) == event_id for one, _ in expected)]
    for position, of in expected:
        if counts[of] > 1:
            report.faults.append(f"entry {_id_of(position)} stands {counts[of]} times")
        elif not counts[of]:
            event_id = _id_of(position)
            if event_id in changed:
                report.faults.append(f"entry {event_id} was changed")
            elif free and len(found) >= len(expected):
                free.pop(0)
                report.faults.append(f"entry {event_id} was changed: not even its id can be read")
            else:
                report.faults.append(f"entry {event_id} is missing")
    report.faults += [f"line {at + 1} before a block was added: {_id_in(lines[at]) or 'it has no id'}" for at in free]
    order = [places[of] for of in dict.fromkeys(found) if of in places]
    moved = [expected[later][0] for earlier, later in pairwise(order) if later < earlier]
    report.faults += [f"entry {_id_of(position)} was moved" for position in moved]


def _id_of(position: str) -> str:
    """Return the id of an event from its position, which is its time and its id."""
    return position.partition("#")[2]


def _id_in(line: bytes) -> str | None:
    try:
        value = json.loads(line)
        return str(value["id"]) if isinstance(value, dict) and "id" in value else None
    except ValueError:
        return None


def _check_ends(head: Mapping[str, Any], number: int | None, previous: str | None, report: Report) -> None:
    """Compare the ends of the chain with what the export says of itself."""
    if report.faults:
        return
    if (head.get("blocks") or 0) != (number or 0) or (head.get("last_hash") or GENESIS) != (previous or GENESIS):
        report.faults.append(f"the chain should end with block {head.get('blocks')}, and ends with {number or 'none'}")
    elif report.blocks != (number or 0):
        report.faults.append("the chain does not begin with its first block")
