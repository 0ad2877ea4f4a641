"""Whatever happens to deliveries, a client that follows the protocol ends up with the bytes that a replay gives.

The protocol, all of it: keep what has the next number, put aside what comes early, drop what was seen; where a number is missing,
subscribe again from it.
"""

import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.core.errors import ConditionFailed
from shared.core.ids import new_id
from shared.runs.terminal import TerminalWriter, canonical, entries
from shared.runs.terminal.entries import CHUNK_BYTES, DATA_BYTES, MESSAGE_BYTES, new_entry, truncate
from shared.store import NumberAttribute, Row, check, put, write
from tests.areas.viewers import messages
from tests.examples import examples

FENCED = ConditionFailed("Somebody else works on this run")


class Lease(Row):
    TABLE = "core_table"
    fence = NumberAttribute()


class Reader:
    """A client."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.early: dict[int, str] = {}

    def receive(self, batch: list[dict]) -> None:
        for entry in batch:
            self.early.setdefault(entry["seq"], canonical(entry))
        self.early = {seq: text for seq, text in self.early.items() if seq > len(self.texts)}
        while (following := len(self.texts) + 1) in self.early:
            self.texts.append(self.early.pop(following))

    @property
    def misses(self) -> int:
        return len(self.texts) + 1


texts = st.one_of(st.text(max_size=40), st.text(st.characters(exclude_categories=()), max_size=40), st.just("x" * 20_000))
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
lines = st.lists(st.tuples(texts, values), min_size=1, max_size=12)
fate = st.lists(st.sampled_from(["deliver", "drop", "twice", "late"]), min_size=30, max_size=30)


@given(writes=st.lists(lines, min_size=1, max_size=5), fates=fate, crash=st.booleans(), data=st.data())
@settings(max_examples=examples(25), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_reader_that_follows_the_protocol_has_every_byte(aws, writes, fates, crash, data):
    run = new_id()
    lease = Lease(pk=f"RUN#{run}", sk="LEASE", fence=1)
    write(put(lease))

    def writer(fence: int) -> TerminalWriter:
        return TerminalWriter(run, "card", None, lambda: check(lease, Lease.fence == fence, FENCED))

    messages()
    terminal = writer(1)
    for index, batch in enumerate(writes):
        if crash and index == len(writes) // 2:  # the lease is lost: the old writer goes on in vain, a new one takes over
            zombie, lease.fence = terminal, 2
            write(put(lease))
            terminal = writer(2)
            try:
                zombie.write("error", "zombie", "still here")
                zombie.close()
            except ConditionFailed as error:
                assert error is FENCED  # noqa: PT017 - on the boundary a write may only collect
        for message, value in batch:
            terminal.write("info", "agent", message, value)
        terminal.flush()
    terminal.close()

    reader, late = Reader(), []
    for push, what in zip(messages(), fates, strict=False):
        match what:
            case "deliver":
                reader.receive(push["entries"])
            case "twice":
                reader.receive(push["entries"])
                reader.receive(push["entries"])
            case "late":
                late.append(push["entries"])
    for held in data.draw(st.permutations(late)):
        reader.receive(held)
    reader.receive(list(entries(run, reader.misses)))  # subscribe_run with fromSequence: the backlog

    replayed = [canonical(entry) for entry in entries(run)]
    assert reader.texts == replayed
    assert [json.loads(text)["seq"] for text in replayed] == list(range(1, len(replayed) + 1))
    assert len(replayed) == sum(map(len, writes))
    assert not any('"zombie"' in text for text in replayed)


@given(texts, values)
@settings(max_examples=examples(200), deadline=None)
def test_an_entry_has_one_form_and_fits(message, value):
    entry = new_entry("info", "agent", message, value, "agent", "2026-11-21T10:00:00.000Z")
    text = canonical(entry)
    assert canonical(json.loads(text)) == text
    assert len(text.encode()) < MESSAGE_BYTES + DATA_BYTES + 500 < CHUNK_BYTES


@given(st.text(st.characters(exclude_categories=("Cs",)), max_size=400), st.integers(60, 300))
@settings(max_examples=examples(300), deadline=None)
def test_a_cut_text_fits_and_is_a_beginning(text, limit):
    kept, cut = truncate(text, limit)
    assert len(json.dumps(kept, ensure_ascii=False).encode()) <= limit or not cut
    assert cut == (kept != text)
    assert text.startswith(kept.partition("… [cut:")[0]) or not cut
