"""Every module of `shared.edge.reactions` is in the table, in the order that they need."""

from pkgutil import iter_modules

from shared.edge import reactions
from shared.edge.reactions import REACTIONS

NAMES = [reaction.__module__.rpartition(".")[2] for reaction in REACTIONS]


def before(first: str, second: str) -> bool:
    return NAMES.index(first) < NAMES.index(second)


def test_every_module_is_in_the_table_once():
    assert sorted(NAMES) == sorted(module.name for module in iter_modules(reactions.__path__))


def test_what_can_be_asked_for_is_written_before_anybody_is_told():
    assert NAMES[0] == "activity"
    assert before("activity", "sockets")


def test_an_agent_starts_before_its_card_goes_on():
    assert before("triggers", "progress")
