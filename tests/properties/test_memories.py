"""Memories: whatever is stored by whom, a search finds what its caller may see, and never what belongs to others."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from shared.core.ids import new_id
from shared.insight.memories.ranking import MODES, SearchQuery
from shared.insight.memories.searching import search_memories
from shared.insight.memories.storing import NewMemory, store_memory
from shared.store import fetch
from shared.work.boards.lanes import lane_id_of
from shared.work.items.creating import NewItem, create_item
from shared.work.items.rows import Item
from shared.work.projects.creating import NewProject, create_project
from shared.work.tasks.creating import NewTask, add_task
from tests.areas.boards_world import create_world, put_on_plan
from tests.examples import examples

WORDS = ("login", "timeout", "invoice", "database", "slow", "发票", "Rechnung")
TEXTS = st.lists(st.sampled_from(WORDS), min_size=1, max_size=4).map(" ".join)
STORED = st.lists(st.tuples(st.integers(0, 2), TEXTS, st.booleans()), max_size=8)


@pytest.fixture(scope="module")
def places(shared_tables):
    """Two projects of Ada's workspace, and one of Bob's: who acts there, and a task."""
    ada, bob = create_world("ada@memories.example", "Ada"), create_world("bob@memories.example", "Bob")
    put_on_plan(ada.ws_id, maxProjects=10)
    second = create_project(ada.actor, ada.ws_id, NewProject("Second"))
    lane = fetch(Item, ada.card().id)
    other = create_item(ada.actor, second.board_id, NewItem("A card", "task", lane_id_of(str(second.board_id), 0)))
    cards = [(ada, lane), (ada, other), (bob, fetch(Item, bob.card().id))]
    return [(world, card, add_task(world.actor, card, new_id(), NewTask("Anything"))) for world, card in cards]


KEPT: dict[str, tuple[int, bool]] = {}
"""All memories that were stored, by their ids: in which place, and how the task ended."""


@settings(max_examples=examples(8), deadline=None, phases=(Phase.generate,), suppress_health_check=list(HealthCheck))
@given(stored=STORED, question=TEXTS, mode=st.sampled_from(MODES), success_only=st.booleans())
def test_a_search_finds_what_its_caller_may_see(places, stored, question, mode, success_only):
    for place, text, success in stored:
        world, _, task = places[place]
        KEPT[store_memory(world.actor, task.id, NewMemory(text, success)).memory.id] = (place, success)
    ada, bob = places[0][0].actor, places[2][0].actor
    second = str(places[1][1].proj_id)
    callers = [(ada, None, {0, 1}), (ada, second, {1}), (replace(ada, project_id=second), None, {1}), (bob, None, {2})]
    for actor, project_id, seen in callers:
        wanted = {one for one, (place, success) in KEPT.items() if place in seen and (success or not success_only)}
        query = SearchQuery(question, 100, 0.0, success_only, mode=mode, project_id=project_id)
        found = {one.memory.id for one in search_memories(actor, query)}
        assert found <= wanted
        if mode != "keyword":  # without a threshold nothing is left out
            assert found == wanted
