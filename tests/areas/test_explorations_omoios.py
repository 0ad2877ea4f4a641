"""omoios, section 9: from an idea to a project, as a client goes it."""

from contextlib import suppress

import pytest

from shared.core.actor import Permission, Role
from shared.core.errors import Conflict
from shared.core.ids import new_id
from shared.people.tenancy.rows import Workspace
from shared.planning.explorations import exploring, initializing, papers, specs
from shared.planning.explorations.rows import DESIGN, REQUIREMENTS, Exploration, document_id
from shared.planning.explorations.state import read_state
from shared.store import collection, fetch, get
from shared.work.documents import approving
from shared.work.items.dependencies import DependencyGraph
from shared.work.items.rows import Item
from shared.work.projects.rows import Project
from shared.work.tasks.rows import Task, tasks_of_card
from tests.areas.boards_world import World
from tests.areas.driving import Client, sign_up
from tests.areas.viewers import listen, pushed, raw_row, stream_record
from tests.areas.viewers import project as deliver
from tests.kills import concurrently, crash_at_every_write
from tests.samples.explorations import IDEA
from tests.stored_rows import check_rows


class Journey:
    """An exploration as a client of omoios drives it."""

    def __init__(self, client: Client, idea: str = IDEA) -> None:
        self.client = client.at("omoios")
        self.started = self.post("/projects/explore/start", {"initial_idea": idea, "user_id": client.user["id"]}, 201)
        self.id = self.started["exploration_id"]
        self.base = f"/projects/explore/{self.id}"

    def post(self, path: str, body: object = None, status: int = 200):
        area = "documents" if path.startswith("/documents") else "explorations"
        answer = self.client(area, "POST", path, body=body)
        assert answer.status == status, answer.text
        return answer.json

    def step(self, name: str, body: object = None, status: int = 200):
        return self.post(f"{self.base}/{name}", body, status)

    def get(self, path: str):
        answer = self.client("explorations", "GET", path)
        assert answer.status == 200, answer.text
        return answer

    @property
    def stage(self) -> str:
        return self.get(self.base).json["current_stage"]

    def approve(self, document_id: str):
        return self.post(f"/documents/{document_id}/approve", {"user_id": self.client.user["id"]})

    def to_design(self) -> str:
        self.approve(self.step("generate-requirements")["document_id"])
        return self.step("generate-design")["document_id"]

    def to_spec(self) -> str:
        self.approve(self.to_design())
        return self.step("generate-spec", {"spec_name": "authentication-system"}, 201)["spec_id"]


@pytest.fixture
def journey(world: World) -> Journey:
    return Journey(world.ada)


def test_the_document_s_own_journey(journey: Journey):
    assert journey.started["current_stage"] == "exploring"
    asked = {one["question_text"]: one for one in journey.started["questions"]}
    methods = asked["What authentication methods should be supported?"]
    assert methods["question_category"] == "technical"
    answered = journey.step("answer", {"question_id": methods["id"], "answer_text": "OAuth2, JWT, and API keys"})
    assert answered["ready_for_requirements"] is False
    assert methods["id"] not in {one["id"] for one in answered["questions"]}

    first = journey.step("generate-requirements")
    assert (first["title"], first["status"]) == ("Authentication System Requirements", "draft")
    assert first["total_requirements"] == first["content"].count("\n### REQ-") == 4
    assert journey.stage == "requirements_generated"

    body = {"feedback": "Add multi-tenant support", "changes": ["Add REQ-024 for multi-tenant isolation"]}
    second = journey.step("refine-requirements", body)
    assert (second["version"], second["status"]) == (2, "pending_review")
    assert second["document_id"] != first["document_id"]
    assert "### REQ-024: Multi-tenant isolation" in second["content"]
    listed = journey.client("documents", "GET", f"/documents/{first['document_id']}/versions")
    assert [(one["id"], one["version"], one["status"]) for one in listed.json] == [
        (second["document_id"], 2, "pending_review"),
        (first["document_id"], 1, "superseded"),
    ]
    assert listed.header("X-Total-Count") == "2"

    approved = journey.approve(second["document_id"])
    assert (approved["status"], approved["approved_by"]) == ("approved", journey.client.user["id"])
    design = journey.step("generate-design")
    assert design["sections"][:2] == ["Architecture Overview", "Component Design"]
    journey.approve(design["document_id"])
    assert journey.stage == "design_approved"

    spec = journey.step("generate-spec", {"spec_name": "authentication-system"}, 201)
    assert spec["status"] == "requirements_complete"
    assert spec["requirements_file_path"] == "specs/authentication-system/requirements.md"
    properties = journey.post(f"/specs/{spec['spec_id']}/extract-properties")
    assert {one["requirement"] for one in properties} == {"REQ-001", "REQ-002", "REQ-003", "REQ-004", "REQ-024"}
    assert all(one["test_generated"] == bool(one["test"]) for one in properties)
    planned = journey.post(f"/specs/{spec['spec_id']}/generate-tasks", status=201)
    assert planned[0]["title"] == "Set up Authentication System"
    assert not any(one["created"] for one in planned)
    assert journey.get(f"/specs/{spec['spec_id']}").json["status"] == "tasks_generated"

    made = journey.step("initialize-project", {"project_name": "auth-system", "create_tickets": True}, 201)
    assert made["tickets_created"] == len(planned) == 11
    assert made["tasks_created"] == sum(len(one["task_ids"]) for one in planned) == 12
    again = journey.post(f"/specs/{spec['spec_id']}/generate-tasks", status=201)
    assert [one["id"] for one in again] == [one["id"] for one in planned]
    assert all(one["created"] for one in again)
    assert journey.stage == "initialized"
    assert journey.get(f"/specs/{spec['spec_id']}").json["status"] == "executing"


def test_the_files_of_a_spec_are_texts(journey: Journey):
    spec = journey.to_spec()
    texts = {name: journey.get(f"/specs/{spec}/files/{name}.md") for name in ("requirements", "design", "tasks")}
    assert all(one.header("content-type").startswith("text/markdown") for one in texts.values())
    assert texts["requirements"].text.startswith("# Authentication System Requirements")
    assert "## Component Design" in texts["design"].text
    assert "- [ ] 1.1 Set up repository and build" in texts["tasks"].text
    assert journey.client("explorations", "GET", f"/specs/{spec}/files/secrets.md").status == 404


def test_a_step_out_of_turn_names_what_comes_first(journey: Journey):
    def refused(name: str, body: object = None) -> str:
        return journey.step(name, body, 409)["detail"]

    body, spec = {"feedback": "More"}, {"spec_name": "auth"}
    assert "generate the requirements first" in refused("refine-requirements", body)
    assert "approve the requirements first" in refused("generate-design")
    assert "generate the requirements first" in refused("generate-spec", spec)
    assert "generate the requirements first" in refused("initialize-project", {"project_name": "auth"})
    document = journey.step("generate-requirements")["document_id"]
    assert "refine or approve" in refused("generate-requirements")
    assert "refine-requirements" in refused("answer", {"question_id": "q-1", "answer_text": "People"})
    assert "approve the requirements first" in refused("generate-spec", spec)
    journey.approve(document)
    assert "generate the design first" in refused("generate-spec", spec)
    design = journey.step("generate-design")["document_id"]
    assert "approve or reject the design" in refused("generate-design")
    assert "approve the design first" in refused("generate-spec", spec)
    journey.approve(design)
    made = journey.step("generate-spec", spec, 201)
    assert journey.step("generate-spec", spec, 201) == made
    assert "has the spec auth already" in refused("generate-spec", {"spec_name": "other"})
    assert "change no more" in refused("refine-requirements", body)


def test_a_question_that_nobody_asked_is_not_found(journey: Journey):
    journey.step("answer", {"question_id": "q-99", "answer_text": "Words"}, 404)


def test_an_answer_can_be_given_anew_until_there_are_requirements(journey: Journey):
    for text in ("Only me", "Developers and admins"):
        journey.step("answer", {"question_id": "q-1", "answer_text": text})
    history = journey.get(journey.base).json["history"]
    assert [one["answer_text"] for one in history if one["status"] == "answered"] == ["Developers and admins"]
    assert "“Developers”" in journey.step("generate-requirements")["content"]


def test_nobody_speaks_for_somebody_else(world: World, journey: Journey):
    body = {"initial_idea": IDEA, "user_id": new_id()}
    assert journey.client("explorations", "POST", "/projects/explore/start", body=body).status == 403
    document = journey.step("generate-requirements")["document_id"]
    assert journey.client("documents", "POST", f"/documents/{document}/approve", body={"user_id": new_id()}).status == 403


def test_members_read_it_and_only_who_may_approve_approves(world: World, journey: Journey):
    document = journey.step("generate-requirements")["document_id"]
    viewer = world.join("Vera", "vera@example.com", Role.VIEWER).at("omoios")
    member = world.join("Max", "max@example.com", Role.MEMBER).at("omoios")
    assert viewer("explorations", "GET", journey.base).status == 200
    body = {"feedback": "Add an audit log"}
    assert viewer("explorations", "POST", f"{journey.base}/refine-requirements", body=body).status == 403
    assert member("documents", "POST", f"/documents/{document}/approve", body={}).status == 403
    assert member("explorations", "POST", f"{journey.base}/refine-requirements", body=body).status == 200
    assert sign_up("Eve", "eve@example.com").at("omoios")("explorations", "GET", journey.base).status == 404


def test_an_approval_in_agentworks_moves_the_exploration(journey: Journey):
    journey.step("generate-requirements")
    aw = journey.client.at("agentworks")
    either = journey.get(journey.base).json["requirements"]["document_id"]
    document = raw_row(f"VER#{either}")["document_id"]["S"]
    for status in ("review", "approved"):
        assert aw("documents", "PUT", f"/documents/{document}", body={"status": status}).status == 200
    assert journey.stage == "requirements_approved"
    journey.step("generate-design")


def test_what_people_edit_is_what_the_design_is_made_of(journey: Journey):
    text = journey.step("generate-requirements")["content"]
    either = journey.get(journey.base).json["requirements"]["document_id"]
    document = raw_row(f"VER#{either}")["document_id"]["S"]
    edited = text.replace("shall have plugins", "shall load signed plugins")
    body = {"content": edited}
    assert journey.client.at("agentworks")("documents", "PUT", f"/documents/{document}", body=body).status == 200
    journey.approve(document)
    assert "shall load signed plugins" in journey.step("generate-design")["content"]


def test_why_it_was_rejected_is_used_by_the_next_refinement(journey: Journey):
    document = journey.step("generate-requirements")["document_id"]
    reason = {"rejection_reason": "Missing security requirements"}
    rejected = journey.post(f"/documents/{document}/reject", reason)
    assert (rejected["status"], rejected["rejection_reason"]) == ("rejected", reason["rejection_reason"])
    journey.step("generate-design", status=409)
    refined = journey.step("refine-requirements", {"feedback": "Admins can revoke any session."})
    assert "“Missing security requirements”: what exactly is required?" in refined["content"]
    assert "shall let admins revoke any session" in refined["content"]


def test_changed_requirements_need_their_approval_and_another_design(journey: Journey):
    design = journey.to_design()
    journey.approve(design)
    journey.step("refine-requirements", {"feedback": "Admins can revoke any session."})
    assert journey.stage == "requirements_generated"
    journey.step("generate-spec", {"spec_name": "auth"}, 409)
    journey.approve(journey.get(journey.base).json["requirements"]["document_id"])
    assert journey.stage == "requirements_approved"
    second = journey.step("generate-design")
    assert (second["version"], second["status"]) == (2, "draft")
    assert "revoke any session" in second["content"]


def test_a_rejected_design_is_written_again(journey: Journey):
    journey.post(f"/documents/{journey.to_design()}/reject", {"rejection_reason": "Too short"})
    assert journey.step("generate-design")["version"] == 2


def test_an_idea_of_which_nothing_can_be_made_is_asked_about(world: World):
    journey = Journey(world.ada, "App")
    (question,) = journey.started["questions"]
    assert "answer q-1 first" in journey.step("generate-requirements", status=409)["detail"]
    answered = journey.step("answer", {"question_id": question["id"], "answer_text": "Neighbours can lend tools to each other."})
    assert len(answered["questions"]) == 5
    assert journey.step("generate-requirements")["total_requirements"] == 1


def test_the_project_is_the_same_in_every_contract(world: World, journey: Journey):
    journey.to_spec()
    made = journey.step("initialize-project", {"project_name": "auth-system"}, 201)
    aw, project = world.ada, made["project_id"]
    board = aw("boards", "GET", f"/projects/{project}/boards").json["boards"][0]["id"]
    cards = aw("cards", "GET", f"/boards/{board}/cards").json["cards"]
    assert len(cards) == made["tickets_created"] == 3
    (feature,) = [one for one in cards if one["type"] == "feature"]
    documents = aw("documents", "GET", f"/projects/{project}/docs").json["documents"]
    assert {(one["type"], one["status"]) for one in documents} == {("prd", "approved"), ("architecture", "approved")}
    chain = world.ada.at("enterprise")
    epic = feature["parentId"]
    answer = chain("planning", "GET", f"/requirements/{epic}/features")
    assert [one["id"] for one in answer.json["data"]] == [feature["id"]]
    graph = get(DependencyGraph, *DependencyGraph.key(board))
    assert [edge[0] for edge in graph.edges] == [feature["id"]]
    tasks = collection(2, tasks_of_card(feature["id"]))
    assert len(tasks) == 2
    assert fetch(Task, tasks[1].id).depends_on == [tasks[0].id]


def test_a_project_without_tickets_gets_them_from_the_spec(journey: Journey):
    spec = journey.to_spec()
    made = journey.step("initialize-project", {"project_name": "auth", "create_tickets": False}, 201)
    assert (made["tickets_created"], made["tasks_created"]) == (0, 0)
    tickets = journey.post(f"/specs/{spec}/generate-tasks", status=201)
    assert all(one["created"] for one in tickets)
    assert journey.step("initialize-project", {"project_name": "auth"}, 201)["tickets_created"] == len(tickets)


def test_a_request_that_is_sent_again_with_its_key_makes_the_project_once(journey: Journey):
    journey.to_spec()
    body = {"project_name": "auth"}
    answers = [
        journey.client(
            "explorations", "POST", f"{journey.base}/initialize-project", body=body, headers={"Idempotency-Key": "k-1"}
        )
        for _ in range(2)
    ]
    assert [one.status for one in answers] == [201, 201]
    assert answers[0].json == answers[1].json


def test_the_design_s_approval_is_enough_to_initialize(journey: Journey):
    journey.approve(journey.to_design())
    journey.step("initialize-project", {"project_name": "Auth System"}, 201)
    assert journey.get(f"/specs/{journey.id}").json["spec_name"] == "auth-system"


def explored(world: World) -> str:
    """An exploration with a spec, made by the services."""
    made = exploring.start(world.actor, exploring.workspace_for(world.actor, world.ws_id), IDEA).exploration.id
    approving.approve(world.actor, papers.generate_requirements(world.actor, made).document.id)
    approving.approve(world.actor, papers.generate_design(world.actor, made).document.id)
    specs.generate_spec(world.actor, made, "auth")
    return made


def check_project(world: World, made: str) -> None:
    """The project has each card once, and the workspace counts it once."""
    rows = collection(1, f"BOARD#{fetch(Project, made).board_id}#ITEM")
    assert sorted(row.f["type"] for row in rows) == ["epic", "feature", "task"]
    assert sum(len(collection(2, tasks_of_card(row.id))) for row in rows) == 4
    assert int(fetch(Workspace, world.ws_id).project_count) == 2
    exploration = fetch(Exploration, made)
    assert (int(exploration.cards_made), int(exploration.tasks_made)) == (3, 4)


def test_whoever_dies_while_the_project_is_made_leaves_it_to_the_next(world: World):
    made = explored(world)
    for process in crash_at_every_write():
        with process:
            initializing.initialize(world.actor, made, "auth")
        if not process.dead:
            break
    assert initializing.initialize(world.actor, made, "auth").cards == 3
    check_project(world, made)


@pytest.mark.parametrize("write", range(1, 4))
def test_two_clicks_make_one_project(world: World, write: int):
    made = explored(world)
    with concurrently(lambda: initializing.initialize(world.actor, made, "auth"), write) as process:
        assert initializing.initialize(world.actor, made, "auth").tasks == 4
    assert process.happened
    check_project(world, made)


def test_a_request_whose_time_ends_says_how_far_it_came(world: World, monkeypatch: pytest.MonkeyPatch):
    journey = Journey(world.ada)
    journey.to_spec()
    monkeypatch.setattr(initializing, "SECONDS", -1.0)
    answer = journey.step("initialize-project", {"project_name": "auth"}, 504)
    assert answer["detail"] == "0 of 3 tickets are made; send the request again to make the others"
    monkeypatch.undo()
    assert journey.step("initialize-project", {"project_name": "auth"}, 201)["tickets_created"] == 3


def test_an_answer_beside_another_one_loses_nothing(world: World):
    made = exploring.start(world.actor, exploring.workspace_for(world.actor, world.ws_id), IDEA).exploration.id
    with concurrently(lambda: exploring.answer(world.actor, made, "q-1", "Developers")):
        dialogue = exploring.answer(world.actor, made, "q-2", "OAuth2")
    waiting = [one.id for one in dialogue.waiting]
    assert len(set(waiting)) == len(waiting) <= 5
    assert {"q-1", "q-2"}.isdisjoint(waiting)


def test_the_socket_tells_each_step(world: World, journey: Journey):
    listen(world.ws_id)
    told = []

    def tell(key: str) -> None:
        deliver(stream_record(raw_row(key)))
        told.extend(pushed("omoios"))

    exploration, questions = f"EXPL#{journey.id}", len(journey.started["questions"])
    tell(exploration)
    assert told[0]["payload"] == {"exploration_id": journey.id, "initial_idea": IDEA}
    assert [one["event_type"] for one in told] == ["EXPLORATION_STARTED", *["QUESTION_GENERATED"] * questions]
    assert told[1]["payload"] == {
        "exploration_id": journey.id,
        "question_id": "q-1",
        "question_text": journey.started["questions"][0]["question_text"],
    }
    told.clear()
    journey.step("answer", {"question_id": "q-1", "answer_text": "Developers"})
    tell(exploration)
    assert told[0]["event_type"] == "QUESTION_ANSWERED"
    assert told[0]["payload"] == {"exploration_id": journey.id, "question_id": "q-1", "answer_text": "Developers"}
    assert [one["event_type"] for one in told[1:]] == ["QUESTION_GENERATED"]
    told.clear()
    for name, generate in (("REQUIREMENTS", "generate-requirements"), ("DESIGN", "generate-design")):
        version = journey.step(generate)["document_id"]
        document = raw_row(f"VER#{version}")["document_id"]["S"]
        tell(f"DOC#{document}")
        journey.approve(version)
        tell(f"DOC#{document}")
        payload = {"exploration_id": journey.id, "document_id": version}
        assert [(one["event_type"], one["payload"]) for one in told] == [
            (f"{name}_GENERATED", payload),
            (f"{name}_APPROVED", payload),
        ]
        told.clear()
    journey.step("generate-spec", {"spec_name": "auth"}, 201)
    journey.step("initialize-project", {"project_name": "auth"}, 201)
    tell(exploration)
    assert [(one["event_type"], one["payload"]) for one in told] == [
        ("PROJECT_INITIALIZED", {"exploration_id": journey.id, "project_id": journey.id})
    ]


STEPS = ("answer", "requirements", "refine", "approve", "design", "approve design", "spec", "properties", "tasks")


def take(world: World, made: str, step: str) -> None:
    """Do one step of an exploration."""
    actor = world.actor
    if step == "answer":
        exploring.answer(actor, made, "q-1", "Developers and admins")
    elif step == "requirements":
        papers.generate_requirements(actor, made)
    elif step == "refine":
        papers.refine_requirements(actor, made, "Admins can revoke any session.", [])
    elif step.startswith("approve"):
        approving.approve(actor, document_id(made, DESIGN if "design" in step else REQUIREMENTS))
    elif step == "design":
        papers.generate_design(actor, made)
    elif step == "spec":
        specs.generate_spec(actor, made, "auth")
    elif step == "properties":
        specs.extract_properties(actor, made)
    else:
        initializing.generate_tasks(actor, made)


def test_whoever_dies_at_any_write_of_any_step_leaves_it_to_the_next(world: World):
    """Each step is one write: it was done, or it was not, and the exploration goes on to the same project."""
    made = exploring.start(world.actor, exploring.workspace_for(world.actor, world.ws_id), IDEA).exploration.id
    for step in STEPS:
        died = 0
        for process in crash_at_every_write():
            with process, suppress(Conflict):  # it was done by who died
                take(world, made, step)
            died += process.dead
            if not process.dead:
                break
        assert died >= 1, step
        check_rows()
    state = read_state(world.actor, made, Permission.PROJECT_READ)
    assert (state.stage, state.requirements.status, state.design.status) == ("spec_generated", "approved", "approved")
    assert len(collection(1, f"PROJ#{made}#DOC")) == 2
    assert len(state.spec.properties) == len(papers.requirements_text(state).requirements)
    assert initializing.initialize(world.actor, made, "auth").cards == len(specs.planned(state))


@pytest.mark.parametrize("first", ["approve", "refine"])
def test_an_approval_beside_a_refinement_approves_what_was_read_or_nothing(world: World, first: str):
    """Whichever is written first: no version is approved that was not there when it was approved."""
    made = exploring.start(world.actor, exploring.workspace_for(world.actor, world.ws_id), IDEA).exploration.id
    papers.generate_requirements(world.actor, made)
    other = "refine" if first == "approve" else "approve"
    version = read_state(world.actor, made, Permission.PROJECT_READ).requirements.version_id
    with concurrently(lambda: take(world, made, other)) as process, suppress(Conflict):
        if first == "approve":
            approving.approve(world.actor, version)
        else:
            take(world, made, first)
    assert process.happened
    document = read_state(world.actor, made, Permission.PROJECT_READ).requirements
    if first == "refine":  # it is refused, and what was approved stays as it was read
        assert (int(document.number), document.status) == (1, "approved")
        assert papers.generate_design(world.actor, made).text
        return
    assert (int(document.number), document.status) == (2, "review")  # the second version, which nobody has looked at
    with pytest.raises(Conflict):
        papers.generate_design(world.actor, made)


def test_a_design_of_requirements_that_change_at_this_moment_is_not_kept(world: World):
    made = exploring.start(world.actor, exploring.workspace_for(world.actor, world.ws_id), IDEA).exploration.id
    take(world, made, "requirements")
    take(world, made, "approve")
    with concurrently(lambda: take(world, made, "refine")) as process, pytest.raises(Conflict):
        take(world, made, "design")
    assert process.happened
    assert read_state(world.actor, made, Permission.PROJECT_READ).design is None


def test_limits_of_an_exploration_hold(world: World, journey: Journey):
    """Twenty thousand characters of an idea are read in time; a hundred answers to one question are one answer."""
    long = Journey(world.ada, "Users can add a note. " * 900)
    assert len(long.started["questions"]) == 5
    assert long.step("generate-requirements")["total_requirements"] == 1  # said often is said once
    for number in range(20):
        journey.step("answer", {"question_id": "q-1", "answer_text": f"Team {number}"})
    history = journey.get(journey.base).json["history"]
    assert len(history) <= 14
    assert [one["answer_text"] for one in history if one["id"] == "q-1"] == ["Team 19"]
    journey.step("answer", {"question_id": "q-1", "answer_text": "x" * 5_001}, 422)


def test_explorations_are_listed_with_their_stages(world: World, journey: Journey):
    second = Journey(world.ada, "A shop for handmade pottery")
    journey.step("generate-requirements")
    answer = journey.client("explorations", "GET", "/projects/explore")
    assert [(one["exploration_id"], one["current_stage"], one["title"]) for one in answer.json] == [
        (second.id, "exploring", None),
        (journey.id, "requirements_generated", "Authentication System"),
    ]
    assert answer.header("X-Total-Count") == "2"
    assert answer.json[0]["initial_idea"] == "A shop for handmade pottery"
    page = journey.client("explorations", "GET", f"/projects/explore?workspace_id={world.ws_id}&limit=1&offset=1")
    assert ([one["exploration_id"] for one in page.json], page.header("X-Total-Count")) == ([journey.id], "2")
    viewer = world.join("Vera", "vera@example.com", Role.VIEWER).at("omoios")
    path = f"/projects/explore?workspace_id={world.ws_id}"
    assert len(viewer("explorations", "GET", path).json) == 2
    eve = sign_up("Eve", "eve@example.com").at("omoios")
    assert eve("explorations", "GET", path).status == 404
    assert eve("explorations", "GET", "/projects/explore").json == []
    for wrong in ("workspace_id=x", "limit=51", "limit=0", "offset=-1"):
        assert journey.client("explorations", "GET", f"/projects/explore?{wrong}").status in (404, 422), wrong


@pytest.mark.parametrize("write", [1, 2])
def test_explorations_that_start_together_are_all_listed(world: World, write: int):
    workspace = exploring.workspace_for(world.actor, world.ws_id)
    with concurrently(lambda: exploring.start(world.actor, workspace, IDEA), write):
        exploring.start(world.actor, workspace, IDEA)
        exploring.start(world.actor, workspace, IDEA)
    answer = world.ada.at("omoios")("explorations", "GET", "/projects/explore")
    assert (len(answer.json), answer.header("X-Total-Count")) == (3, "3")
    check_rows()


def test_bad_input_is_refused_with_its_field(world: World, journey: Journey):
    start = "/projects/explore/start"
    for body in ({}, {"initial_idea": "  "}, {"initial_idea": "x" * 20_001}, {"initial_idea": 5}):
        assert journey.client("explorations", "POST", start, body=body).status == 422, body
    journey.step("answer", {"question_id": "q-1", "answer_text": " "}, 422)
    journey.step("generate-spec", {"spec_name": "../other"}, 422)
    journey.step("initialize-project", {"project_name": ""}, 422)
    journey.step("generate-requirements")
    refused = journey.step("refine-requirements", {"feedback": "Remove REQ-099"}, 422)
    assert "REQ-099" in str(refused)
    assert fetch(Item, journey.id) is None
