"""Requests for whom counts what they cost: each does something, or shows something, where the sample is refused, changes nothing or shows
an empty list."""

from infra.routes import table
from shared.core import clock
from shared.core.actor import Role
from shared.core.ids import new_id
from shared.events import Event, EventType
from shared.people.access.records import grant_workspace
from shared.people.identity.administrators import set_administrator
from shared.people.tenancy.rows import WorkspaceMembership, membership_row
from shared.runs.agent_runs.rows import Run
from shared.runs.live_agents.rows import LiveAgent
from shared.store import create, fetch, save, write
from shared.work.activities.rows import new_activity
from shared.work.items.filing import filing_of, reindex
from shared.work.items.rows import Item
from shared.work.tasks.creating import NewTask, add_task
from tests.areas.driving import Client, confirm_address
from tests.areas.stripe_server import webhook
from tests.samples import ALONE, SAMPLES, Sample, Samples, Stage, ask, key_of
from tests.samples.agents import agent
from tests.samples.audit import spoiled
from tests.samples.cards import card_in
from tests.samples.delivery import buildable
from tests.samples.notifications import notification
from tests.samples.stage import of_project, of_workspace


def full(stage: Stage) -> Sample:
    """A card with a child, a comment, a dependency, a run and an activity."""
    ada, card = stage.world.ada, stage.card()
    child = {"laneId": stage.world.lanes[0].id, "title": "C", "type": "task", "parentId": card}
    for area, path, body in (
        ("cards", f"/boards/{stage.world.board.id}/cards", child),
        ("comments", f"/cards/{card}/comments", {"content": "Words"}),
        ("cards", f"/cards/{card}/dependencies", {"dependencyCardId": stage.card(), "type": "relates_to"}),
    ):
        assert ada(area, "POST", path, body=body).status == 201, path
    item = fetch(Item, card)
    assert item is not None
    stage.world.run(item, "completed")
    event = Event(new_id(), EventType.ITEM_UPDATED, stage.world.actor.summary, clock.iso(), {"title": ["A", "B"]}, {})
    write(create(new_activity(item, event)))
    return Sample({"id": card, "ticket_id": card})


def after(stage: Stage, first: tuple[str, str], then: Sample | None = None) -> Sample:
    """The same place after another operation, or another request after it."""
    sample = (ALONE | SAMPLES)[first](stage)
    route = next(one for one in table() if key_of(one) == first)
    assert ask(sample, route, stage.world.ada).status < 300, first
    return then or Sample(sample.path)


def having(_: object, sample: Sample) -> Sample:
    """A request for a place that has this now."""
    return sample


def told(stage: Stage) -> Sample:
    """An inbox with something that was not read."""
    notification(stage)
    return Sample({})


def archived(card_id: str) -> str:
    card = fetch(Item, card_id)
    assert card is not None
    before = filing_of(card)
    card.archived_at = clock.iso()
    write(save(card), *reindex(card, before))
    return card_id


def new_project(stage: Stage, *, archived: bool = False) -> str:
    ada = stage.world.ada
    made = ada("projects", "POST", f"/workspaces/{stage.world.ws_id}/projects", body={"name": "Spare", "slug": stage.slug()})
    project: str = made.json["id"]
    if archived:
        assert ada("projects", "POST", f"/projects/{project}/archive").status == 202
    return project


def project_with_a_ticket(stage: Stage) -> Sample:
    """A project of its own: that of the stage has as many tickets as there are operations, and each hundred is read by itself."""
    project = new_project(stage)
    made = stage.world.ada.at("omoios")("projects", "POST", f"/projects/{project}/create-ticket", body={"title": "A ticket"})
    assert made.status == 201, made.text
    return Sample({}, query=f"project_id={project}")


def clerk(stage: Stage) -> Client:
    """An administrator of the platform."""
    client = confirm_address(stage.new_user())
    set_administrator(client.user["email"], True)
    return client


def told_by_stripe(stage: Stage) -> Sample:
    """Half a dollar has come for the stage's invoice."""
    intent = {"id": "pi_1", "status": "succeeded", "amount_received": 50, "metadata": {"invoice_id": stage.invoice()}}
    body, headers = webhook("payment_intent.succeeded", intent)
    return Sample({}, body, headers=headers)


TOKEN = "token-1"


def waiting(stage: Stage) -> Sample:
    """A run that waits for approval, as its execution does."""
    run = fetch(Run, stage.run("waiting"))
    assert run is not None
    run.waiting_for, run.wait_token, run.waiting = "approval", TOKEN, {"reason": "It is asked for", "since": clock.iso()}
    write(save(run))
    return Sample({"id": run.id})


def workspace_of_two(stage: Stage) -> Sample:
    """A workspace that gets its other member as its owner."""
    made = stage.world.ada("workspaces", "POST", "/workspaces", body={"name": "Passed on", "slug": stage.slug()}).json["id"]
    other = stage.new_user()
    write(
        create(
            membership_row(
                WorkspaceMembership,
                made,
                other.user["id"],
                Role.MEMBER,
                org_id=stage.organization,
                ws_id=made,
                user={"kind": "user"} | {name: other.user[name] for name in ("id", "name", "email")},
                last_active_at=clock.iso(),
            )
        ),
        grant_workspace(other.user["id"], made, Role.MEMBER),
    )
    return Sample({"id": made}, {"userId": other.user["id"]})


def too_full(stage: Stage) -> Sample:
    """A column with a card more than its limit of three."""
    for _ in range(4):
        body = {"ticket_id": stage.card(), "target_column_id": "deploying", "force": True}
        assert stage.world.ada.at("omoios")("boards", "POST", "/board/move", body=body).status == 200
    return SAMPLES["omoios", "board.wipViolations"](stage)


def where_something_waits(stage: Stage) -> Sample:
    waiting(stage)
    return of_workspace(stage)


def silent(stage: Stage) -> Sample:
    """An agent that was not heard from for ten minutes."""
    made = fetch(LiveAgent, agent(stage))
    assert made is not None
    made.active_since = clock.in_seconds(-600)
    write(save(made))
    return Sample({})


def with_a_task(stage: Stage) -> Sample:
    """An agent that asks for the one task of a project."""
    card = fetch(Item, stage.card(6))
    assert card is not None
    add_task(stage.world.actor, card, new_id(), NewTask("A task", priority="critical"))
    return Sample({"agent_id": agent(stage)})


OTHERWISE: Samples = {
    ("agentworks", "approvals.list"): where_something_waits,
    ("agentworks", "billing.get"): lambda s: having(s.invoice(), of_workspace(s)),
    ("agentworks", "billing.invoices"): lambda s: having(s.invoice(), of_workspace(s)),
    ("agentworks", "documents.list"): lambda s: having(s.document(), of_project(s)),
    ("omoios", "projects.update"): lambda s: Sample({"project_id": new_project(s)}, {"validation_enabled": True}),
    ("omoios", "export.tickets"): project_with_a_ticket,
    ("omoios", "board.tickets"): lambda s: having(s.card(), SAMPLES["omoios", "board.tickets"](s)),
    ("agentworks", "billing.credit"): lambda s: Sample({"id": s.invoice()}, {"reason": "A gift", "amount": 0.5}, caller=clerk(s)),
    ("agentworks", "billing.pay"): lambda s: Sample({"id": s.invoice()}, {"reference": "R1", "amount": 0.5}, caller=clerk(s)),
    ("agentworks", "billing.stripeWebhook"): told_by_stripe,
    ("agentworks", "runs.approve"): waiting,
    ("agentworks", "runs.reject"): waiting,
    ("agentworks", "workspaces.transfer"): workspace_of_two,
    ("agentworks", "cards.move"): lambda s: Sample({"id": s.card()}, {"toLaneId": s.world.lanes[4].id}),
    ("agentworks", "cards.restore"): lambda s: Sample({"id": archived(s.card())}),
    ("agentworks", "projects.archive"): lambda s: Sample({"id": new_project(s)}),
    ("agentworks", "projects.restore"): lambda s: Sample({"id": new_project(s, archived=True)}),
    ("omoios", "alerts.list"): lambda s: after(s, ("omoios", "alerts.get"), Sample({})),
    ("omoios", "notifications.list"): lambda s: after(s, ("omoios", "notifications.read"), Sample({})),
    ("omoios", "notifications.readAll"): told,
    ("omoios", "threads.list"): lambda s: after(s, ("omoios", "threads.create"), Sample({})),
    ("omoios", "agents.list"): lambda s: after(s, ("omoios", "agents.register"), Sample({})),
    ("omoios", "agents.healthAll"): lambda s: after(s, ("omoios", "agents.register"), Sample({})),
    ("omoios", "agents.stale"): silent,
    ("omoios", "agents.cleanupStale"): silent,
    ("omoios", "agents.nextTask"): with_a_task,
    ("enterprise", "features.buildAndDeploy"): lambda s: Sample({"feature_id": buildable(s)}, {}),
    ("omoios", "audit.verify"): spoiled,
    ("omoios", "board.wipViolations"): too_full,
    ("omoios", "board.autoTransition"): lambda s: Sample({"ticket_id": s.card(lane=6)}),
    ("omoios", "board.move"): lambda s: Sample({}, {"ticket_id": s.card(), "target_column_id": "building"}),
    ("agentworks", "cards.get"): full,
    ("agentworks", "cards.archived"): lambda s: Sample({"boardId": s.world.board.id, "id": archived(s.card())}),
    ("agentworks", "activities.list"): full,
    ("agentworks", "comments.list"): full,
    ("agentworks", "dependencies.list"): full,
    ("agentworks", "runs.list"): full,
    ("enterprise", "apiKeys.list"): lambda s: after(s, ("enterprise", "apiKeys.create"), Sample({})),
    ("enterprise", "builds.list"): lambda s: after(s, ("enterprise", "builds.create")),
    ("enterprise", "deployments.list"): lambda s: after(s, ("enterprise", "builds.deploy")),
    ("enterprise", "features.list"): lambda s: after(s, ("enterprise", "features.create")),
    ("enterprise", "tests.list"): lambda s: after(s, ("enterprise", "tests.create")),
    ("enterprise", "webhooks.list"): lambda s: after(s, ("enterprise", "webhooks.test"), Sample({})),
    ("enterprise", "webhooks.deliveries"): lambda s: after(s, ("enterprise", "webhooks.test")),
    ("omoios", "comments.list"): full,
    ("omoios", "tickets.context"): full,
    ("omoios", "tickets.detectBlocking"): lambda s: Sample({}, query=f"project_id={s.world.project.id}"),
    ("omoios", "tickets.transition"): lambda s: Sample({"ticket_id": card_in(s, 7)}, {"to_status": "done"}),
}
