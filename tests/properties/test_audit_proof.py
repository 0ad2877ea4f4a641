"""An audit trail that proves itself: whatever is changed in an export, the entry is named; and the verifier needs only the file."""

import ast
import json
import sys
from functools import cache
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.insight.audit import proof
from shared.insight.audit.proof import GENESIS, block_body, canonical, check_export, digest

LOG, OTHER = "LOG#PROJ#1", "LOG#PROJ#2"
TENANT = "WS#1"


def entry(number: int) -> tuple[str, str, str]:
    """Log, position and line of an entry; every third one is of another project."""
    at = f"2026-05-01T00:00:{number:02}.000Z"
    line = canonical(
        {"id": f"event-{number:02}", "at": at, "changes": {"title": ["Ä", f"日本 {number}"]}, "data": {"n": number / 3}}
    )
    return (OTHER if number % 3 == 2 else LOG), f"{at}#event-{number:02}", line


@cache
def export(logs: tuple[str, ...] | None = None, number: int = 20, block: int = 7) -> bytes:
    """An export as the platform writes it."""
    lines, previous, blocks = [], GENESIS, 0
    for start in range(0, number, block):
        listed = [entry(at) for at in range(start, min(start + block, number))]
        blocks += 1
        body = block_body(TENANT, blocks, previous, [(log, position, digest(line)) for log, position, line in listed])
        previous = digest(body)
        lines += [line for log, _, line in listed if logs is None or log in logs]
        lines.append(f'{{"block":{body},"hash":"{previous}"}}')
    head = canonical({"tenant": TENANT, "logs": logs and list(logs), "blocks": blocks, "last_hash": previous})
    return ('{"export":' + head + ',\n"chain":[\n' + ",\n".join(lines) + '\n],\n"totals":{"lines":1}}\n').encode()


def lines_of(text: bytes) -> list[bytes]:
    return text.split(b"\n")


def entry_lines(text: bytes) -> list[int]:
    return [at for at, line in enumerate(lines_of(text)) if line.startswith(b'{"at"')]


def id_of(line: bytes) -> str:
    return json.loads(line.removesuffix(b","))["id"]


def test_an_export_that_was_not_touched_is_whole() -> None:
    for logs in (None, (LOG,), (LOG, OTHER)):
        report = check_export(export(logs))
        assert report.faults == []
        assert (report.blocks, report.entries) == (3, len(entry_lines(export(logs))))
    assert json.loads(export())["chain"][0]["id"] == "event-00"


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_a_byte_that_was_flipped_names_its_entry(data: st.DataObject) -> None:
    text = export((LOG,) if data.draw(st.booleans()) else None)
    lines = lines_of(text)
    at = data.draw(st.sampled_from(entry_lines(text)))
    place = data.draw(st.integers(0, len(lines[at].removesuffix(b",")) - 1))
    changed = bytearray(lines[at])
    changed[place] ^= data.draw(st.integers(1, 255))
    faults = check_export(b"\n".join([*lines[:at], bytes(changed), *lines[at + 1 :]])).faults
    assert any(id_of(lines[at]) in fault for fault in faults), faults


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_an_entry_that_is_missing_doubled_moved_or_new_is_named(data: st.DataObject) -> None:
    text = export()
    lines = lines_of(text)
    places = entry_lines(text)
    at = data.draw(st.sampled_from(places))
    name = id_of(lines[at])
    missing = check_export(b"\n".join([*lines[:at], *lines[at + 1 :]])).faults
    assert missing == [f"entry {name} is missing"]
    doubled = check_export(b"\n".join([*lines[: at + 1], *lines[at:]])).faults
    assert f"entry {name} stands 2 times" in doubled
    other = data.draw(st.sampled_from([one for one in places if one != at]))
    swapped = list(lines)
    swapped[at], swapped[other] = swapped[other], swapped[at]
    faults = check_export(b"\n".join(swapped)).faults
    assert any(id_of(lines[one]) in fault for one in (at, other) for fault in faults), faults
    stranger = canonical({"id": "stranger", "at": "now"}).encode() + b","
    added = check_export(b"\n".join([*lines[:at], stranger, *lines[at:]])).faults
    assert len(added) == 1
    assert "stranger" in added[0]


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_a_byte_of_a_block_that_was_flipped_is_noticed(data: st.DataObject) -> None:
    text = export()
    lines = lines_of(text)
    at = data.draw(st.sampled_from([at for at, line in enumerate(lines) if line.startswith(proof.BLOCK)]))
    place = data.draw(st.integers(0, len(lines[at].removesuffix(b",")) - 1))
    changed = bytearray(lines[at])
    changed[place] ^= data.draw(st.integers(1, 255))
    assert check_export(b"\n".join([*lines[:at], bytes(changed), *lines[at + 1 :]])).faults


def test_a_block_that_is_left_out_is_noticed() -> None:
    lines = lines_of(export())
    ends = [at for at, line in enumerate(lines) if line.startswith(proof.BLOCK)]
    first, middle = lines[2 : ends[0] + 1], lines[ends[0] + 1 : ends[1] + 1]
    for part in (first, middle, lines[ends[1] + 1 : ends[2] + 1]):
        rest = [line for line in lines if line not in part]
        assert check_export(b"\n".join(rest)).faults


@given(st.binary(max_size=200))
def test_whatever_is_no_export_is_said_to_be_none(text: bytes) -> None:
    assert check_export(text).faults


def test_the_verifier_needs_only_the_standard_library() -> None:
    for module in (Path(proof.__file__), Path("tools/verify_audit.py")):
        names = [node for node in ast.walk(ast.parse(module.read_text())) if isinstance(node, ast.Import | ast.ImportFrom)]
        roots = {
            (name.module or "" if isinstance(name, ast.ImportFrom) else name.names[0].name).partition(".")[0] for name in names
        }
        assert roots <= sys.stdlib_module_names | {"shared"}
        assert "shared" not in roots or "shared.insight.audit.proof" in module.read_text()
