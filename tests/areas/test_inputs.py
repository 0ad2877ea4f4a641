"""What people really send: the same rule, order and comparison wherever a value is written, sorted or looked for."""

import re
from pathlib import Path
from urllib.parse import quote

import pytest

from shared.agents.catalogue.registry import get_agent
from shared.agents.tools import CardFields, parse_arguments
from shared.core.actor import Role
from shared.core.errors import Invalid
from shared.edge.contracts.agentworks import AGENTWORKS
from shared.edge.views.agentworks import events
from shared.money.billing.rows import BillingAccount
from shared.people.identity import passwords
from shared.runs.toolbox import CallContext, agent_actor, execute_tool
from shared.store import fetch, save, write
from shared.work.items.rows import Item
from shared.work.items.updating import update_item
from tests.areas.boards_world import World
from tests.areas.driving import Client, call, sign_up
from tests.areas.ledger import record_usage

COMPOSED, DECOMPOSED = "Caf\u00e9", "Cafe\u0301"
SEEN = ["\U0001f468\u200d\U0001f469\u200d\U0001f467", "\u05d0\u200f", "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "-"]
NOT_TO_CLICK = ["http://", "https:// spaces.example", "https://ada@evil.example", "javascript:alert(1)", "data:text/html,x"]
NOT_ONE_ADDRESS = ["a@x.example,b@y.example", "Bob<a@b.example>", "a@b.example\nBcc: c@d.example", "a@b.example; c@d.example"]
UNSEEN = ["\u200b", "\u202e\u202d", "\u3164", "\ufe0f", " \u2060\u00ad ", "\x1c"]


def cards(world: World, query: str = ""):
    return world.ada("cards", "GET", f"/boards/{world.board.id}/cards{query}")


def make(world: World, lane: int = 0, **fields):
    body = {"laneId": world.lanes[lane].id, "title": "A card", "type": "task"} | fields
    return world.ada("cards", "POST", f"/boards/{world.board.id}/cards", body=body)


# -- one order


def test_cards_have_one_order_whether_the_index_or_memory_sorts_them(world):
    for index in reversed(range(10)):
        world.card(0, f"{index}", position=1 + index * 1e-6)
    expected = [str(index) for index in range(10)]
    assert [card["title"] for card in cards(world).json["cards"]] == expected  # all of the board, sorted in memory
    pages = [cards(world, f"?limit=5&offset={offset}").json["cards"] for offset in (0, 5)]  # the first of it by the index
    assert [card["title"] for page in pages for card in page] == expected


def test_positions_that_a_key_cannot_tell_apart_are_in_one_order_too(world):
    for index in reversed(range(4)):
        world.card(6, f"{index}", position=index * 1e-19)
    found = [card["title"] for card in cards(world).json["cards"]]
    assert found == ["3", "2", "1", "0"]
    assert [card["title"] for card in cards(world, "?limit=2").json["cards"]] == found[:2]


def test_children_have_one_order_in_a_list_and_in_their_parent(world):
    parent = world.card(3, "Parent")
    for lane, position in ((6, 1), (1, 3), (7, 2), (6, 1 + 1e-6)):
        world.card(lane, f"{position}", position=position, parent_id=parent.id)
    listed = next(card for card in cards(world, "?includeChildren=true").json["cards"] if card["id"] == parent.id)
    alone = world.ada("cards", "GET", f"/cards/{parent.id}").json
    assert (
        [one["position"] for one in listed["children"]] == [one["position"] for one in alone["children"]] == [1, 1 + 1e-6, 2, 3]
    )


# -- a rule holds at every write


def test_labels_and_tags_are_unique_at_every_write(world):
    twice = [{"key": "team", "value": "web"}, {"key": "team", "value": "web", "color": "#fff"}]
    made = make(world, labels=["ui", "api", "ui"], tags=twice).json
    card = world.ada("cards", "PUT", f"/cards/{made['id']}", body={"labels": ["b", "a", "b"], "tags": twice}).json
    assert (made["labels"], card["labels"]) == (["ui", "api"], ["b", "a"])
    assert made["tags"] == card["tags"] == twice[1:]
    assert update_item(world.actor, made["id"], {"labels": [COMPOSED, COMPOSED]}).labels == [COMPOSED]


def test_an_agent_of_a_lane_must_exist_at_every_write_and_has_an_id_or_a_name(world):
    agents = {agent["name"]: agent["id"] for agent in world.ada("agents", "GET", "/agents").json["agents"]}
    path = f"/projects/{world.project.id}"

    def configure(agent: str):
        return world.ada(
            "projects", "PUT", path, body={"settings": {"customLaneConfig": [{"laneNumber": 1, "autoTriggerAgent": agent}]}}
        )

    bad = configure("nobody")
    assert (bad.status, bad.json["validationErrors"][0]["field"]) == (422, "settings.customLaneConfig.0.autoTriggerAgent")
    assert configure(agents["qa"]).json["settings"]["customLaneConfig"][0]["autoTriggerAgent"] == "qa"
    lane = f"/lanes/{world.lanes[5].id}"
    for choice in (agents["qa"], "qa"):
        assert world.ada("boards", "PUT", lane, body={"autoTriggerAgent": choice}).json["autoTriggerAgent"] == "qa"
        assert world.ada("boards", "PUT", lane, body={"autoTriggerAgent": None}).json.get("autoTriggerAgent") is None
    assert world.ada("boards", "PUT", lane, body={"autoTriggerAgent": "agent_unknown"}).status == 422


def test_the_parts_of_a_name_are_together_no_longer_than_a_name(aws):
    ada = sign_up("Ada Lovelace", "ada@example.com")
    other = Client("orchestrator", ada.token)
    assert other("auth", "PUT", "/users/me", body={"first_name": "a" * 60, "last_name": "b" * 40}).status in (400, 422)
    assert other("auth", "PUT", "/users/me", body={"first_name": "a" * 60, "last_name": "b" * 39}).json["last_name"] == "b" * 39


def test_the_settings_of_an_agent_have_one_limit_in_a_workspace_and_in_a_project(world):
    for tokens, status in ((64_000, 200), (64_001, 422)):
        settings = {"defaultAgentConfigs": {"qa": {"maxTokens": tokens}}}
        assert world.ada("workspaces", "PUT", f"/workspaces/{world.ws_id}", body={"settings": settings}).status == status
        path = f"/projects/{world.project.id}/agent-configs/qa"
        assert world.ada("agents", "PUT", path, body={"maxTokens": tokens}).status == status


# -- separators inside values


@pytest.mark.parametrize(
    ("tag", "filters"),
    [
        ({"key": "a,b", "value": "1"}, ["a,b", "a,b:1"]),
        ({"key": "k", "value": "x,y"}, ["k", "k:x,y"]),
        ({"key": "ns:k", "value": "v"}, ["ns:k", "ns:k:v"]),
        ({"key": "k", "value": "a:b,c "}, ["k:a:b,c"]),
        ({"key": COMPOSED, "value": ""}, [DECOMPOSED, f"{COMPOSED}:"]),
    ],
)
def test_a_tag_with_a_separator_is_found(world, tag, filters):
    made = make(world, tags=[tag, {"key": "team", "value": "web"}]).json["id"]
    make(world, tags=[{"key": "a", "value": "b"}, {"key": "ns", "value": "v:k"}, {"key": "kk", "value": "x"}])
    for one in filters:
        found = cards(world, f"?tags={quote(one)}&tags=team").json["cards"]
        assert [card["id"] for card in found] == [made], one
    assert cards(world, "?tags=ns:v").json["total"] == 0


def test_tags_with_commas_between_them_are_still_several(world):
    both = make(world, tags=[{"key": "a", "value": "1"}, {"key": "b", "value": "2"}]).json["id"]
    make(world, tags=[{"key": "a", "value": "1"}])
    assert [card["id"] for card in cards(world, "?tags=a, b:2").json["cards"]] == [both]


def test_a_tag_is_found_by_its_key_whether_the_row_has_a_list_of_keys_or_not(world):
    made = [world.card(tags=[{"key": key, "value": "web"}]) for key in ("team", "team:a")]
    assert ["tag_keys" in fetch(Item, card.id).filters() for card in made] == [False, True]
    for key, card in zip(("team", "team:a"), made, strict=True):
        assert [found["id"] for found in cards(world, f"?tags={key}").json["cards"]] == [card.id]


# -- text that nobody can see


@pytest.mark.parametrize("text", UNSEEN)
def test_a_name_that_nobody_can_see_is_refused_everywhere(world, text):
    def refused(answer, field: str) -> None:
        assert (answer.status, [one["field"] for one in answer.json["validationErrors"]]) == (422, [field])

    card = make(world).json["id"]
    refused(make(world, title=text), "title")
    refused(world.ada("cards", "PUT", f"/cards/{card}", body={"title": text}), "title")
    refused(make(world, labels=[text]), "labels.0")
    refused(make(world, tags=[{"key": text, "value": ""}]), "tags.0.key")
    refused(world.ada("projects", "PUT", f"/projects/{world.project.id}", body={"name": text}), "name")
    refused(world.ada("boards", "PUT", f"/boards/{world.board.id}", body={"name": text}), "name")
    refused(world.ada("boards", "PUT", f"/lanes/{world.lanes[0].id}", body={"name": text}), "name")
    refused(world.ada("workspaces", "PUT", f"/workspaces/{world.ws_id}", body={"name": text}), "name")
    refused(world.ada("auth", "PUT", "/auth/me", body={"name": text}), "name")
    refused(world.ada("comments", "POST", f"/cards/{card}/comments", body={"content": text}), "content")
    with pytest.raises(Invalid):
        parse_arguments("create_card", {"title": text, "description": "Something"})
    omoios = Client("omoios", world.ada.token)
    assert omoios("projects", "POST", f"/projects/{world.project.id}/create-ticket", body={"title": text}).status in (400, 422)
    body = {"name": "Bob", "email": "bob@example.com", "password": "correct horse", "organization": text}
    assert call("auth", "aintandem", "POST", "/auth/register", body=body).status in (400, 422)


@pytest.mark.parametrize("text", ["a\x00b", "a\x07b", "a\x1cb", "a\x9bb"])
def test_control_characters_never_enter_names_and_titles(world, text):
    assert make(world, title=text).status == make(world, labels=[text]).status == 422
    with pytest.raises(Invalid):
        parse_arguments("write_document", {"type": "prd", "title": text, "content": "Text"})


@pytest.mark.parametrize("text", SEEN)
def test_a_name_with_joiners_and_directions_that_can_be_seen_is_taken(world, text):
    assert make(world, title=text).json["title"] == text


def test_composed_and_decomposed_texts_find_each_other(world):
    made = make(world, title=DECOMPOSED, labels=[COMPOSED, DECOMPOSED]).json
    assert (made["title"], made["labels"]) == (COMPOSED, [COMPOSED])
    path = f"/workspaces/{world.ws_id}/projects"
    for name, slug in ((COMPOSED, "one"), (DECOMPOSED, "two")):
        world.ada("projects", "POST", path, body={"name": name, "slug": slug, "description": DECOMPOSED})
    for search in (COMPOSED, DECOMPOSED, COMPOSED.upper()):
        assert cards(world, f"?search={quote(search)}").json["total"] == 1
        assert world.ada("projects", "GET", f"{path}?search={quote(search)}").json["total"] == 2


def test_a_password_opens_however_its_accents_were_typed(aws):
    body = {"name": "Ada Lovelace", "email": "ada@example.com", "password": f"correct {DECOMPOSED} horse"}
    assert call("auth", "agentworks", "POST", "/auth/register", body=body).status == 201
    for form in (COMPOSED, DECOMPOSED):
        login = {"email": "ada@example.com", "password": f"correct {form} horse"}
        assert call("auth", "agentworks", "POST", "/auth/login", body=login).status == 200


def test_a_hash_of_before_still_opens():
    from argon2 import PasswordHasher

    old = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(DECOMPOSED)
    assert passwords.matches(old, DECOMPOSED)
    assert not passwords.matches(old, COMPOSED)
    assert not passwords.matches(None, DECOMPOSED)


# -- addresses to click


@pytest.mark.parametrize("address", NOT_TO_CLICK)
def test_every_stored_address_is_one_to_click(world, address):
    world.define_fields({"key": "spec", "name": "Spec", "type": "url"})
    bad = make(world, customFields={"spec": address})
    assert (bad.status, bad.json["validationErrors"][0]["field"]) == (422, "customFields.spec")
    card = make(world, customFields={"spec": "https://example.com/a?b=c"}).json["id"]
    assert world.ada("cards", "PUT", f"/cards/{card}", body={"customFields": {"spec": address}}).status == 422
    assert world.ada("cards", "POST", f"/cards/{card}/links", body={"url": address}).status == 422
    for name in ("repositoryUrl", "deploymentUrl", "documentationUrl"):
        assert world.ada("projects", "PUT", f"/projects/{world.project.id}", body={name: address}).status == 422
    assert world.ada("auth", "PUT", "/auth/me", body={"avatarUrl": address}).status == 422


@pytest.mark.parametrize("address", NOT_ONE_ADDRESS)
def test_every_invited_or_billed_address_is_one_address(world, address):
    invite = {"email": address, "role": "member"}
    assert world.ada("workspaces", "POST", f"/workspaces/{world.ws_id}/members/invite", body=invite).status == 422
    assert world.ada("billing", "PUT", f"/workspaces/{world.ws_id}/billing", body={"billingEmail": address}).status == 422
    body = {"name": "Bob", "email": address, "password": "correct horse"}
    for contract in ("agentworks", "aintandem"):
        assert call("auth", contract, "POST", "/auth/register", body=body).status in (400, 422)


# -- names from registries


def test_a_time_zone_is_one_of_the_tz_database(aws):
    ada = sign_up()
    for zone in ("Europe/Berlin", "Asia/Kolkata", "UTC", "America/Argentina/Buenos_Aires"):
        answer = ada("auth", "PUT", "/auth/me", body={"preferences": {"timezone": zone}})
        assert answer.json["preferences"]["timezone"] == zone
    for zone in ("Mars/Olympus", "europe/berlin", "GMT+25", "../../etc/passwd", "", "Berlin"):
        answer = ada("auth", "PUT", "/auth/me", body={"preferences": {"timezone": zone}})
        assert (answer.status, answer.json["validationErrors"][0]["field"]) == (422, "preferences.timezone"), zone


def test_the_right_code_of_a_country_is_named(world):
    address = {"line1": "1 Main Street", "city": "Athens", "postalCode": "10431", "country": "EL"}
    path = f"/workspaces/{world.ws_id}/billing"
    for code, right in (("EL", "GR"), ("UK", "GB")):
        answer = world.ada("billing", "PUT", path, body={"billingAddress": address | {"country": code}})
        assert answer.status == 422
        assert right in answer.json["validationErrors"][0]["message"]


def test_an_address_of_before_is_shown_and_its_owner_can_still_act(world):
    world.ada("billing", "GET", f"/workspaces/{world.ws_id}/billing")
    account = fetch(BillingAccount, world.ws_id)
    account.address = {"line1": "1", "city": "London", "postalCode": "1", "country": "UK"}
    account.tax_id = "GB000000000"
    write(save(account))
    path = f"/workspaces/{world.ws_id}/billing"
    assert world.ada("billing", "GET", path).json["account"]["billingAddress"]["country"] == "UK"
    assert world.ada("billing", "PUT", path, body={"billingEmail": "pay@example.com"}).status == 200


# -- what is shown is real


def test_a_project_of_omoios_shows_its_real_cost_and_agents(world):
    path = f"/projects/{world.project.id}"
    assert world.ada.at("omoios")("projects", "GET", path).json["stats"] == {"tickets": 0, "done": 0, "agents": 0, "cost": 0}
    for day, agent in (("2026-10-30", "prd"), ("2026-11-02", "prd"), ("2026-11-02", "qa")):
        record_usage(world, day, 100_000, agent=agent)
    stats = {"tickets": 0, "done": 0, "agents": 2, "cost": 1.5}
    assert world.ada.at("omoios")("projects", "GET", path).json["stats"] == stats
    viewer = world.join("Vic", "vic@example.com", Role.VIEWER).at("omoios")
    assert viewer("projects", "GET", path).json["stats"] == stats | {"cost": None}


def test_runs_of_an_unknown_agent_are_an_empty_list(world):
    card = world.card()
    world.run(card)
    for agent, total in (("prd", 1), ("qa", 0), ("nobody", 0), ("agent_123", 0)):
        answer = world.ada("runs", "GET", f"/cards/{card.id}/runs?agentId={agent}")
        assert (answer.status, answer.json["total"]) == (200, total), agent
    assert world.ada("runs", "GET", f"/cards/{world.project.id}/runs?agentId=nobody").status == 404


DOCUMENTED_EVENTS = {
    "card_created", "card_updated", "card_moved", "agent_run_started", "agent_run_completed", "member_joined", "usage_threshold",
}  # fmt: skip


def test_every_socket_event_is_in_the_document_or_described_as_an_addition():
    sent = set(re.findall(r'_event\("(\w+)"', Path(events.__file__).read_text()))
    additions = sent - DOCUMENTED_EVENTS
    assert additions == {"agent_run_waiting", "agent_run_answered"}
    described = (Path(__file__).parents[2] / "docs" / "sockets.md").read_text()
    for one in additions:
        assert f"`{one}`" in described
        assert f"`{one}`" in AGENTWORKS.about.description


# -- what a model has nothing to say about


@pytest.mark.parametrize("field", CardFields.model_fields)
def test_an_agent_that_sends_null_for_a_field_changes_nothing_of_it(world, field):
    """Models fill in every field of a schema; a null ended the run with an error of ours, or emptied the field."""
    whole = {"labels": ["a"], "estimated_hours": 2, "acceptance_criteria": ["b"]}
    made = world.card(3, "A card", description="Words", **whole)
    actor = agent_actor(get_agent("ceo_copilot"), world.ws_id, ("update_card",), world.project.id)
    work = CallContext(actor, made.id, "run", ("update_card",))
    with pytest.raises(Invalid, match="at least one field"):
        execute_tool(work, "update_card", {"fields": {field: None}})
    other = {"priority": "high"} if field != "priority" else {"type": "bug"}
    execute_tool(work, "update_card", {"fields": {field: None} | other})
    card, before = fetch(Item, made.id), made
    (changed,) = other
    assert getattr(card, changed) == other[changed]
    assert getattr(card, field) == getattr(before, field)


# -- the same rules at the other contracts


@pytest.mark.parametrize(
    "sent",
    [
        *({"comment_type": text} for text in (*UNSEEN, "a\x00b")),
        *({"mentions": [text]} for text in UNSEEN),
        *(
            {"attachments": [address]}
            for address in ("javascript:alert(1)", "JavaScript:x", "\tdata:text/html,x", "vbscript:x", "\u200b")
        ),
    ],
)
def test_a_comment_of_omoios_carries_nothing_unseen_and_no_address_that_runs(world, sent):
    other = world.ada.at("omoios")
    answer = other("comments", "POST", f"/tickets/{world.card().id}/comments", body={"content": "x"} | sent)
    assert answer.status == 422, answer.text


@pytest.mark.parametrize("file", ["file://path/to/file", "src/a b.py", "C:\\x.txt", "https://x.example/a", "0190aaaa-0000"])
def test_a_comment_of_omoios_names_files(world, file):
    other = world.ada.at("omoios")
    body = {"content": "x", "attachments": [file], "comment_type": "review"}
    answer = other("comments", "POST", f"/tickets/{world.card().id}/comments", body=body)
    assert (answer.status, answer.json["attachments"], answer.json["comment_type"]) == (201, [file], "review")


@pytest.mark.parametrize("name", [".", ".."])
def test_a_step_in_a_path_is_no_name_at_github(world, name):
    for field in ("github_owner", "github_repo"):
        assert world.ada.at("omoios")("projects", "POST", "/projects", body={"name": "x", field: name}).status == 422


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"allowedProviders": ["openai", "nobody"]}, "settings.allowedProviders.1"),
        ({"allowedProviders": ["\u200b"]}, "settings.allowedProviders.0"),
        ({"unpricedModels": ["openai/a\x00"]}, "settings.unpricedModels.0"),
        ({"defaultAgentConfigs": {"qa": {"provider": "openai", "model": "\u200b"}}}, "settings.defaultAgentConfigs.qa.model"),
    ],
)
def test_providers_and_models_have_names_that_exist_and_can_be_seen(world, settings, field):
    path = f"/workspaces/{world.ws_id}"
    refused = world.ada("workspaces", "PUT", path, body={"settings": settings})
    assert (refused.status, refused.json["validationErrors"][0]["field"]) == (422, field)
    known = {"allowedProviders": ["claude", "OpenAI", "embedded"]}
    assert world.ada("workspaces", "PUT", path, body={"settings": known}).json["settings"].items() >= known.items()
