"""What the tests know of a read that another thread carries out: who began it, and how many trips came before."""

from collections.abc import Callable

import pytest

from infra.needs import FUNCTIONS, Needs
from shared.core.ids import new_id
from shared.people.access.records import Access
from shared.store import get, read_ahead, update, write
from tests.beside import made_by
from tests.trips import count_requests

pytestmark = pytest.mark.usefixtures("shared_tables")


def in_function(area: str, call: Callable[[], object]) -> object:
    """Call it from code that lies in the folder of a function."""
    names: dict[str, object] = {"call": call}
    exec(compile("answer = call()", f"/somewhere/functions/{area}/agentworks.py", "exec"), names)  # noqa: S102 - the lines above
    return names["answer"]


def read() -> object:
    return get(Access, f"ACCESS#{new_id()}")


def test_a_read_ahead_belongs_to_the_function_that_began_it():
    assert in_function("comments", made_by) == "comments"
    assert in_function("comments", lambda: read_ahead(made_by).result()) == "comments"
    assert in_function("comments", lambda: read_ahead(lambda: read_ahead(made_by).result()).result()) == "comments"
    assert read_ahead(made_by).result() is None  # and not to the one before


def test_a_read_ahead_may_use_no_table_that_its_function_lacks(monkeypatch):
    monkeypatch.setitem(FUNCTIONS, "comments", Needs(ephemeral="none"))
    for call in (read, lambda: read_ahead(read).result()):
        with pytest.raises(AssertionError, match="comments may not GetItem in ephemeral"):
            in_function("comments", call)
    assert in_function("cards", lambda: read_ahead(read).result()) is None


def test_reads_at_the_same_time_are_one_trip():
    with count_requests() as seen:
        first, second = read_ahead(read), read_ahead(read)
        read()
        first.result(), second.result()
    assert (seen.count, len(seen.names), len(seen.beside)) == (1, 1, 2)


def test_a_read_that_waits_for_another_is_a_trip_more():
    """However many threads take part, a chain of reads takes as long as it has links."""
    with count_requests() as seen:
        read_ahead(read).result()
        read_ahead(lambda: (read(), read())).result()
        read()
    assert (seen.count, len(seen.names), len(seen.beside)) == (4, 1, 3)


def test_a_read_that_nobody_waits_for_costs_no_time():
    with count_requests() as seen:
        left = read_ahead(lambda: (read(), read(), read()))
        read()
    left.result()
    assert seen.count == 1


def test_a_lease_is_left_out_and_a_single_request_is_not():
    """What is told apart is the count alone: an update of anything else is a trip."""
    with count_requests() as seen:
        write(update(Access(pk=f"ACCESS#{new_id()}", sk="META"), [Access.name.set("Ada")]))
    assert (seen.count, seen.names) == (1, ["UpdateItem"])
