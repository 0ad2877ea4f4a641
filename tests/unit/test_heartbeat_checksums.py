"""The checksum of a heartbeat, as clients in several languages compute it."""

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.runs.live_agents.checksums import FIELDS, is_valid

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@given(
    metrics=st.dictionaries(st.text(max_size=8), VALUES, max_size=4),
    compact=st.booleans(),
    escapes=st.booleans(),
    complete=st.booleans(),
)
def test_whatever_python_writes_is_valid_and_nothing_else(metrics, compact, escapes, complete):
    fields = {"agent_id": "a", "sequence_number": 7, "status": "idle", "health_metrics": metrics}
    hashed = {name: fields.get(name) for name in FIELDS} if complete else fields
    separators = (",", ":") if compact else None
    checksum = digest(json.dumps(hashed, sort_keys=True, separators=separators, ensure_ascii=escapes))
    body = json.dumps(fields, ensure_ascii=escapes).encode()  # how the message itself is written does not matter
    assert is_valid(body, checksum)
    assert is_valid(body, checksum.upper())
    assert not is_valid(json.dumps(fields | {"sequence_number": 8}).encode(), checksum)


@pytest.mark.parametrize("number", ["5", "5.0", "1e-7", "1E+3", "-0.0", "0.1000"])
def test_numbers_count_as_they_are_written(number):
    text = '{"health_metrics":{"value":%s}}' % number  # noqa: UP031 - braces
    assert is_valid(text.encode(), digest(text))
    assert not is_valid(text.replace(number, f"{number}1").encode(), digest(text))


def test_nested_keys_are_sorted_or_as_they_were_sent():
    sent = '{"health_metrics":{"b":1,"a":2}}'
    assert is_valid(sent.encode(), digest(sent))
    assert is_valid(sent.encode(), digest('{"health_metrics":{"a":2,"b":1}}'))
    assert not is_valid(sent.encode(), digest('{"health_metrics":{"b":2,"a":1}}'))
