"""The catalogue, the tools and the context of a run."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.agents.catalogue import AGENTS, agent_named, catalogue
from shared.agents.providers.context import parse_context, render_context
from shared.agents.providers.embedded.outputs import outputs
from shared.agents.tools import READ_ONLY, TOOLS, parse_arguments, spec, specs
from shared.core.errors import Invalid
from shared.core.ids import is_id

LANES = {
    "ceo_copilot": (0,), "strategy": (0,), "storyboard_ux": (0,), "prd": (1,), "mvp_scope": (1,), "research": (2,), "architect": (3,),
    "planner": (4,), "devops": (5, 6), "dev_backend": (5, 6), "dev_frontend": (5, 6), "qa": (7,), "troubleshooter": (7,),
    "deployment": (8,), "documentation": (9,), "refactor": (10,),
}  # fmt: skip


def test_the_sixteen_agents_and_their_lanes():
    assert {agent.name: agent.allowed_lanes for agent in AGENTS} == LANES
    assert {agent.name for agent in AGENTS} == set(outputs())
    assert len({agent.id for agent in AGENTS}) == 16
    assert all(is_id(agent.id) for agent in AGENTS)


def test_ids_do_not_depend_on_the_stack():
    assert [agent.id for agent in catalogue(("local", "qwen"))] == [agent.id for agent in AGENTS]


def test_the_local_catalogue_names_the_model_that_answers():
    assert {(agent.default_provider, agent.default_model) for agent in catalogue(("local", "qwen"))} == {("local", "qwen")}
    assert agent_named("architect").default_model == "claude-3-5-sonnet-20241022"
    assert agent_named("troubleshooter").default_provider == "google"
    assert agent_named("nobody") is None


def test_who_needs_a_person_first():
    assert {agent.name for agent in AGENTS if agent.high_risk} == {"dev_backend", "dev_frontend", "devops", "refactor"}


@pytest.mark.parametrize("agent", AGENTS, ids=lambda agent: agent.name)
def test_each_agent_is_complete(agent):
    assert agent.system_prompt.startswith(f"Agent: {agent.name}\n")
    assert agent.default_max_tokens == 4000
    assert agent.status == "active"
    assert {"read_card", "comment"} <= set(agent.tools) <= set(TOOLS)
    assert all(
        name in agent.system_prompt or name in ("comment", "update_card", "raise_discovery", *READ_ONLY, "write_document")
        for name in agent.tools
    )
    assert "Done when:" in agent.system_prompt
    assert agent.first_message("# Task context {x}").startswith("# Task context {x}")


def test_only_those_who_plan_may_create_and_only_the_copilot_moves():
    may = {name: {agent.name for agent in AGENTS if name in agent.tools} for name in TOOLS}
    assert may["move_card"] == may["update_card"] == {"ceo_copilot"}
    assert may["create_card"] == may["add_dependency"] == {"planner"}
    assert may["create_task"] == {"devops", "dev_backend", "dev_frontend"}
    assert may["block_card"] == {"troubleshooter", "deployment"}


@pytest.mark.parametrize("name", TOOLS)
def test_schemas_are_closed_and_self_contained(name):
    schema = spec(name).parameters
    assert schema["type"] == "object"
    assert schema["additionalProperties"] is False
    assert "$ref" not in str(schema)
    assert "$defs" not in schema
    assert spec(name).description


def test_a_spec_is_the_callers_own():
    spec("comment").parameters["properties"].clear()
    assert spec("comment").parameters["properties"]
    assert [tool.name for tool in specs(["comment", "read_card"])] == ["comment", "read_card"]


def test_arguments_are_checked_in_words_a_model_can_act_on():
    arguments = parse_arguments("create_card", {"title": " T ", "description": "d", "lane": "Build"})
    assert (arguments.title, arguments.lane) == ("T", "Build")
    with pytest.raises(Invalid, match=r"title: .*at least 1 character.*nonsense: Extra inputs.*call create_card again") as caught:
        parse_arguments("create_card", {"title": "", "description": "d", "nonsense": 1})
    assert {field.field for field in caught.value.fields} == {"title", "nonsense"}
    with pytest.raises(Invalid, match="There is no tool 'drop_table'"):
        parse_arguments("drop_table", {})
    with pytest.raises(Invalid, match="at least one field"):
        parse_arguments("update_card", {"fields": {}})


LINE = st.text(st.characters(blacklist_categories=("Cs", "Cc", "Zl", "Zp")), max_size=60)
BLOCK = st.lists(
    st.one_of(LINE, st.sampled_from(["# Task context", "## Documents (3)", "### Document: x", "- id: 7", "> quoted", ""])),
    max_size=8,
).map("\n".join)


@given(
    st.fixed_dictionaries(
        {"id": st.just("c1"), "title": LINE, "description": BLOCK},
        optional={"labels": st.lists(LINE, max_size=3), "lane_number": st.integers(0, 10)},
    ),
    st.lists(
        st.fixed_dictionaries({"id": st.sampled_from(["d1", "d2"]), "type": st.just("prd"), "title": LINE, "content": BLOCK}),
        max_size=2,
    ),
    BLOCK,
    st.dictionaries(st.from_regex(r"[a-z_]{1,8}", fullmatch=True), st.one_of(st.integers(), st.booleans(), LINE), max_size=3),
)
def test_what_is_rendered_is_read_back_whatever_people_wrote(card, documents, extra, parameters):
    context = parse_context(render_context(card, documents, [{"id": "s", "title": card["title"]}], extra, parameters))
    assert context.card["id"] == "c1"
    assert context.card.get("description", "") == card["description"].strip().strip("\n")
    assert context.card.get("title", "") == " ".join(card["title"].split())
    assert context.card.get("lane") == card.get("lane_number")
    assert context.card.get("labels", []) == card.get("labels", [])
    assert [item["content"] for item in context.documents] == [item["content"].strip() for item in documents]
    assert len(context.siblings) == 1
    assert context.extra == extra.strip()
    assert context.parameters == {
        key: " ".join(value.split()) if isinstance(value, str) else value for key, value in parameters.items()
    }


def test_long_documents_are_cut_aloud():
    text = render_context({"id": "c", "title": "t"}, [{"id": "d", "title": "D", "content": "x" * 50_000}])
    assert len(text) < 14_000
    assert "- cut: the first 12000 of 50000 characters; read_document gives all" in text


def test_a_free_prompt_is_no_context():
    assert parse_context("Please write a poem") is None
