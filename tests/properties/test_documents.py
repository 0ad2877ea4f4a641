"""Documents under races: every version is somebody's, whole, and there is one latest."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from shared.agents.catalogue import agent_named
from shared.core.errors import CadreError, Conflict, Forbidden, NotFound
from shared.core.ids import new_id
from shared.core.situations import Situation
from shared.runs.toolbox.executor import agent_actor
from shared.store import fetch, get, load_text, query
from shared.store.files import INLINE
from shared.work.documents import approving
from shared.work.documents.reading import get_document_with_revisions, get_latest_document, stored_text
from shared.work.documents.rows import Document, DocumentCopy, DocumentText, DocumentVersion, Revision, VersionName
from shared.work.documents.writing import NewDocument, create_document, update_document, write_document
from shared.work.projects.updating import archive_project
from tests.areas.boards_world import World, create_world

pytestmark = pytest.mark.usefixtures("aws")


@pytest.fixture
def world(aws) -> World:
    return create_world(f"{new_id()}@example.com")


def made(world: World, content: str = "One\n", type_: str = "prd") -> Document:
    return create_document(world.actor, world.project.id, NewDocument(type_, "A document", content)).document


def race(calls) -> list[str]:
    """All at once: `done`, or why not."""

    def attempt(call) -> str:
        try:
            call()
        except Conflict as refused:
            return refused.situation
        except CadreError as refused:
            return type(refused).__name__
        return "done"

    with ThreadPoolExecutor(16) as pool:
        return list(pool.map(attempt, calls))


def check(document_id: str) -> Document:
    """All the rows of a document agree."""
    document = fetch(Document, document_id)
    assert document is not None
    versions = query(DocumentVersion, f"DOC#{document.id}", prefix="V#", consistent=True).rows
    assert [one.number for one in versions] == list(range(1, document.number + 1))
    assert len({one.id for one in versions}) == len(versions)
    assert (versions[-1].id, versions[-1].status, versions[-1].text) == (document.version_id, document.status, document.text)
    assert all(get(VersionName, *VersionName.key_of(one.id)).number == one.number for one in versions)
    brought = {row.sk for row in query(DocumentText, f"DOC#{document.id}", prefix="TEXT#", consistent=True).rows}
    assert brought == {f"TEXT#{int(one.text):05d}" for one in versions}
    revisions = query(Revision, f"DOC#{document.id}", prefix="REV#", consistent=True).rows
    assert [row.sk for row in revisions] == [f"REV#{number:08d}" for number in range(1, document.version + 1)]
    shelf = query(DocumentCopy, DocumentCopy.partition(str(document.proj_id), document.type), consistent=True).rows
    own = [row for row in shelf if row.id == document.id]
    assert [(one.number, one.version, one.status, one.content) for one in own] == [
        (document.number, document.version, document.status, stored_text(document))
    ]
    return document


@pytest.mark.parametrize("length", [10, INLINE + 1], ids=["in rows", "in files"])
def test_of_racing_edits_some_land_and_each_is_a_version_of_its_own(world, length):
    document = made(world)
    contents = [f"{number}\n" + "x" * length for number in range(24)]
    landed = race([lambda text=text: update_document(world.actor, document.id, {"content": text}) for text in contents])
    assert set(landed) <= {"done", Situation.VERSION_CONFLICT}
    after = check(document.id)
    assert after.number == 1 + landed.count("done") > 1
    kept = {load_text(stored_text(after, number)) for number in range(2, after.number + 1)}
    assert kept == {text for text, how in zip(contents, landed, strict=True) if how == "done"}


def test_with_a_base_one_of_many_lands(world):
    document = made(world)
    landed = race([lambda n=n: update_document(world.actor, document.id, {"content": f"{n}"}, base=1) for n in range(16)])
    assert landed.count("done") == 1
    assert check(document.id).number == 2


def test_agents_and_people_write_one_document(world):
    """Agents try again, people are told; nothing is lost of what was taken."""
    document = made(world)
    agent = agent_actor(agent_named("prd"), world.ws_id, ["write_document"])
    calls = [
        lambda n=n: write_document(agent, world.project.id, "prd", "A document", f"agent {n}", document_id=new_id())
        for n in range(4)
    ] + [lambda n=n: update_document(world.actor, document.id, {"content": f"person {n}"}) for n in range(4)]
    landed = race(calls)
    after = check(document.id)
    assert after.number == 1 + landed.count("done")
    assert {one.type for one in query(DocumentCopy, DocumentCopy.partition(world.project.id, "prd")).rows} == {"prd"}


def test_racing_agents_make_one_document_of_one_title(world):
    agent = agent_actor(agent_named("prd"), world.ws_id, ["write_document"])
    landed = race(
        [lambda n=n: write_document(agent, world.project.id, "mvp", "Scope", f"{n}", document_id=new_id()) for n in range(3)]
    )
    shelf = query(DocumentCopy, DocumentCopy.partition(world.project.id, "mvp"), consistent=True).rows
    assert len(shelf) == 1
    assert check(shelf[0].id).number == landed.count("done")


def test_editing_and_approving_race(world):
    """Nobody approves a text that they did not see as the latest: who is slower is refused."""
    document = made(world)
    calls = []
    for number in range(8):
        calls += [
            lambda n=number: update_document(world.actor, document.id, {"content": f"{n}\n"}),
            lambda: approving.approve(world.actor, document.id),
            lambda: approving.publish(world.actor, document.id),
            lambda: update_document(world.actor, document.id, {"status": "archived"}),
        ]
    landed = race(calls)
    assert set(landed) <= {"done", Situation.VERSION_CONFLICT, Situation.DOCUMENT_STATUS}
    check(document.id)


def test_the_latest_of_a_type_is_there_while_documents_race(world):
    documents = [made(world, f"{number}\n", "architecture") for number in range(6)]

    def look() -> None:
        get_latest_document(world.actor, world.project.id, "architecture")

    calls = [lambda d=d, n=n: update_document(world.actor, d.id, {"content": f"{n}"}) for n in range(4) for d in documents]
    landed = race([call for one in calls for call in (one, look)])
    assert set(landed) <= {"done", Situation.VERSION_CONFLICT}
    latest = get_latest_document(world.actor, world.project.id, "architecture").document
    assert latest.versioned_at == max(check(one.id).versioned_at for one in documents)


def test_an_archived_project_is_closed_while_documents_race(world):
    document = made(world)
    calls = [lambda n=n: update_document(world.actor, document.id, {"content": f"{n}"}) for n in range(12)]
    calls.insert(6, lambda: archive_project(world.actor, world.project.id))
    landed = race(calls)
    assert set(landed) <= {"done", Situation.VERSION_CONFLICT, Situation.PROJECT_ARCHIVED}
    with pytest.raises(Conflict):
        update_document(world.actor, document.id, {"content": "late"})
    check(document.id)


# -- the ids of versions, as another contract names them


def test_a_version_is_named_by_its_own_id_or_its_documents(world):
    document = made(world)
    first = document.version_id
    second = update_document(world.actor, document.id, {"content": "Two\n"}).document.version_id
    for name in (document.id, first, second):
        found, versions = approving.list_versions(world.actor, name)
        assert found.id == document.id
        assert [(one.version.id, one.status) for one in versions] == [(second, "draft"), (first, "superseded")]
    with pytest.raises(Conflict) as refused:
        approving.approve(world.actor, first)
    assert refused.value.situation is Situation.DOCUMENT_STATUS
    assert approving.approve(world.actor, second).document.status == "approved"
    assert approving.approve(world.actor, document.id).document.version == check(document.id).version  # twice is once
    third = update_document(world.actor, document.id, {"content": "Three\n"}).document.version_id
    statuses = {one.version.id: one.status for one in approving.list_versions(world.actor, document.id)[1]}
    assert statuses == {third: "draft", second: "approved", first: "superseded"}
    rejected = approving.reject(world.actor, third, "Says nothing of security").document
    assert (rejected.status, rejected.rejection_reason) == ("rejected", "Says nothing of security")
    with pytest.raises(Conflict):
        approving.reject(world.actor, second, "late")
    fourth = update_document(world.actor, document.id, {"content": "Four\n"}).document
    assert (fourth.status, fourth.rejection_reason) == ("draft", None)
    assert approving.approve(world.actor, fourth.version_id).document.approved_number == 4
    check(document.id)
    _, revisions, _ = get_document_with_revisions(world.actor, document.id)
    assert [one.change for one in revisions] == [
        "approved", "updated", "updated", "updated", "approved", "updated", "created",
    ]  # fmt: skip


def test_versions_belong_to_their_tenant_and_agents_do_not_approve(world):
    document = made(world)
    other = create_world(f"{new_id()}@example.com")
    for name in (document.id, document.version_id, "nothing", new_id()):
        for act in (approving.list_versions, approving.approve, lambda actor, one: approving.reject(actor, one, "no")):
            with pytest.raises(NotFound):
                act(other.actor, name)
    agent = agent_actor(agent_named("prd"), world.ws_id, ["write_document"])
    for act in (approving.approve, approving.publish):
        with pytest.raises(Forbidden):
            act(agent, document.id)
