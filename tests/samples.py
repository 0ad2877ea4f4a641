"""A valid request of every operation that is served, and the things that it acts on.

A route that has none fails the tests that look for it.
"""

import atexit
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any
from urllib.parse import urlsplit

from infra.routes import Route
from shared.agents.catalogue import agent_named
from shared.core.actor import Role
from shared.people.identity import one_time_tokens
from shared.people.identity.one_time_tokens import Purpose
from shared.store import fetch, put_file
from shared.work.attachments.uploading import begin_upload, finish_upload
from shared.work.items.rows import Item
from tests.areas.billing_world import billed
from tests.areas.boards_world import World, found_world
from tests.areas.driving import Answer, Client, sign_up
from tests.areas.identity_provider import Browser, IdentityProvider

PRD = agent_named("prd", local=True)
PASSWORD = "correct horse"
MAY = "format=csv&startDate=2026-05-01&endDate=2026-05-31"
ADDRESS = {"line1": "1 Main Street", "city": "Dublin", "postalCode": "D01", "country": "IE"}


@dataclass(frozen=True)
class Sample:
    """A valid request of an operation: what fills its path, its query, its body."""

    path: dict[str, str]
    body: Any = None
    query: str = ""
    status: int | None = None
    """Where the thing's state refuses what the role may do: the status of that."""
    caller: Client | None = None
    """Who asks, where the request ends the caller's session or is only its author's."""
    headers: dict[str, str] | None = None


class Stage:
    """Ada's workspace with somebody in each role, and a stranger with a workspace of his own."""

    def __init__(self) -> None:
        self.world: World = found_world("owner@matrix.example", "Olga Owner")
        self.callers: dict[str, Client] = {Role.OWNER: self.world.ada} | {
            role: self.world.join(f"{role} person", f"{role}@matrix.example", role)
            for role in (Role.ADMIN, Role.MEMBER, Role.VIEWER)
        }
        room = {"settings": {"maxProjects": 1000, "maxMembers": 1000}}
        assert self.world.ada("workspaces", "PUT", f"/workspaces/{self.world.ws_id}", body=room).status == 200
        self.world.set_wip(1, None)
        many = {"settings": {"maxConcurrentRuns": 100}}
        assert self.world.ada("projects", "PUT", f"/projects/{self.world.project.id}", body=many).status == 200
        self.stranger = sign_up("Stan Stranger", "stranger@matrix.example")
        self.names = iter(range(10_000))
        self.billed: tuple[str, str] | None = None

    # -- things to act on, made by the owner

    @cached_property
    def spare_project(self) -> str:
        """One to archive: everything else is done in the other."""
        body = {"name": "Spare", "slug": self.slug()}
        answer = self.world.ada("projects", "POST", f"/workspaces/{self.world.ws_id}/projects", body=body)
        assert answer.status == 201, answer.text
        return answer.json["id"]

    def card(self, lane: int = 0) -> str:
        body = {"laneId": self.world.lanes[lane].id, "title": "A card", "type": "task"}
        answer = self.world.ada("cards", "POST", f"/boards/{self.world.board.id}/cards", body=body)
        assert answer.status == 201, answer.text
        return answer.json["id"]

    def comment(self) -> str:
        answer = self.world.ada("comments", "POST", f"/cards/{self.card()}/comments", body={"content": "Words"})
        assert answer.status == 201, answer.text
        return answer.json["id"]

    def dependency(self) -> str:
        body = {"dependencyCardId": self.card(), "type": "relates_to"}
        return self.world.ada("cards", "POST", f"/cards/{self.card()}/dependencies", body=body).json["id"]

    def link(self) -> Sample:
        card = self.card()
        made = self.world.ada("cards", "POST", f"/cards/{card}/links", body={"url": "https://example.com/page"}).json
        return Sample({"id": card, "linkId": made["id"]})

    def upload(self) -> str:
        """A file that has come and is not attached yet."""
        actor = self.world.actor
        announced, _ = begin_upload(actor, self.card(), "plan.txt", "text/plain", 5)
        put_file(announced.file, b"Words", "text/plain")
        return announced.id

    def attachment(self) -> str:
        return finish_upload(self.world.actor, self.upload()).id

    def document(self) -> str:
        body = {"type": "prd", "title": "A document", "content": "Words\n", "tags": ["one"]}
        answer = self.world.ada("documents", "POST", f"/projects/{self.world.project.id}/docs", body=body)
        assert answer.status == 201, answer.text
        return answer.json["id"]

    def run(self, status: str = "running") -> str:
        return self.world.run(fetch(Item, self.card(lane=1)), status).id

    def export(self) -> str:
        answer = self.world.ada("usage", "GET", f"/workspaces/{self.world.ws_id}/usage/export?{MAY}")
        assert answer.status == 200, answer.text
        return answer.json["exportId"]

    def invoice(self) -> str:
        return self.credit_note()[0]

    def credit_note(self) -> tuple[str, str]:
        """The ids of an invoice and its credit note, made once: no sample changes them."""
        if self.billed is None:
            self.billed = billed(self.world.ws_id)
        return self.billed

    def payment_method(self) -> str:
        body = {"type": "bank_transfer"}
        return self.world.ada("billing", "POST", f"/workspaces/{self.world.ws_id}/billing/payment-methods", body=body).json["id"]

    def somebody(self) -> Client:
        """A person of their own: what happens to them is nobody else's business."""
        return sign_up("Some Body", f"{self.slug()}@matrix.example", PASSWORD)

    def member(self) -> str:
        """Somebody who only reads, in the workspace."""
        return self.world.join("Some Member", f"{self.slug()}@matrix.example", Role.VIEWER).user["id"]

    def invitation(self, email: str) -> dict[str, Any]:
        body = {"email": email, "role": "member"}
        answer = self.world.ada("workspaces", "POST", f"/workspaces/{self.world.ws_id}/members/invite", body=body)
        assert answer.status == 201, answer.text
        return answer.json

    def slug(self) -> str:
        return f"thing-{next(self.names)}"


def _of_project(stage: Stage) -> Sample:
    return Sample({"id": stage.world.project.id})


def _of_spare_project(stage: Stage) -> Sample:
    return Sample({"id": stage.spare_project})


def _of_board(stage: Stage) -> Sample:
    return Sample({"id": stage.world.board.id, "boardId": stage.world.board.id})


def _of_workspace(stage: Stage) -> Sample:
    return Sample({"id": stage.world.ws_id, "workspaceId": stage.world.ws_id})


def _latest_document(stage: Stage) -> Sample:
    stage.document()
    return Sample({"id": stage.world.project.id, "type": "prd"})


def _nothing(_: Stage) -> Sample:
    return Sample({})


SAMPLES: dict[str, Callable[[Stage], Sample]] = {
    # agentworks
    "agentworks auth.me": _nothing,
    "agentworks auth.resendVerification": _nothing,
    "agentworks auth.updateMe": lambda _: Sample({}, {"preferences": {"theme": "dark"}}),
    "agentworks workspaces.list": _nothing,
    "agentworks workspaces.get": _of_workspace,
    "agentworks workspaces.create": lambda s: Sample({}, {"name": "Another", "slug": s.slug()}),
    "agentworks workspaces.update": lambda s: Sample({"id": s.world.ws_id}, {"description": "Ours"}),
    "agentworks workspaces.transfer": lambda s: Sample(
        {"id": s.world.ws_id}, {"userId": s.member()}, status=409
    ),  # the default one
    "agentworks members.list": _of_workspace,
    "agentworks members.invite": lambda s: Sample(
        {"id": s.world.ws_id}, {"email": f"{s.slug()}@matrix.example", "role": "member", "message": "Come"}
    ),
    "agentworks members.update": lambda s: Sample(
        {"id": s.world.ws_id, "userId": s.member()}, {"role": "member", "permissions": []}
    ),
    "agentworks members.remove": lambda s: Sample({"id": s.world.ws_id, "userId": s.member()}),
    "agentworks invitations.cancel": lambda s: Sample(
        {"id": s.world.ws_id, "invitationId": s.invitation(f"{s.slug()}@matrix.example")["invitation"]["id"]}
    ),
    "agentworks projects.list": _of_workspace,
    "agentworks projects.get": _of_project,
    "agentworks projects.create": lambda s: Sample({"workspaceId": s.world.ws_id}, {"name": "Other", "slug": s.slug()}),
    "agentworks projects.update": lambda s: Sample({"id": s.world.project.id}, {"description": "Ours"}),
    "agentworks projects.archive": _of_spare_project,
    "agentworks projects.restore": _of_spare_project,
    "agentworks boards.list": _of_project,
    "agentworks boards.get": _of_board,
    "agentworks boards.update": lambda s: Sample({"id": s.world.board.id}, {"name": "Board"}),
    "agentworks boards.lanes": _of_board,
    "agentworks lanes.update": lambda s: Sample({"id": s.world.lanes[1].id}, {"name": "Lane"}),
    "agentworks cards.list": _of_board,
    "agentworks cards.create": lambda s: Sample(
        {"boardId": s.world.board.id}, {"laneId": s.world.lanes[0].id, "title": "T", "type": "task"}
    ),
    "agentworks cards.get": lambda s: Sample({"id": s.card()}),
    "agentworks cards.update": lambda s: Sample({"id": s.card()}, {"title": "T2"}),
    "agentworks cards.move": lambda s: Sample({"id": s.card()}, {"toLaneId": s.world.lanes[0].id}),
    "agentworks cards.archived": _of_board,
    "agentworks cards.restore": lambda s: Sample({"id": s.card()}),
    "agentworks cards.logTime": lambda s: Sample({"id": s.card()}, {"hours": 1.5, "note": "Words"}),
    "agentworks links.create": lambda s: Sample({"id": s.card()}, {"url": "https://github.com/o/r/pull/1"}),
    "agentworks links.delete": lambda s: s.link(),
    "agentworks cards.delete": lambda s: Sample({"id": s.card()}),
    "agentworks dependencies.list": lambda s: Sample({"id": s.card()}),
    "agentworks dependencies.create": lambda s: Sample({"id": s.card()}, {"dependencyCardId": s.card(), "type": "blocks"}),
    "agentworks dependencies.delete": lambda s: Sample({"id": s.dependency()}),
    "agentworks comments.list": lambda s: Sample({"id": s.card()}),
    "agentworks comments.create": lambda s: Sample({"id": s.card()}, {"content": "Words"}),
    "agentworks attachments.create": lambda s: Sample(
        {"id": s.card()}, {"filename": "plan.txt", "contentType": "text/plain", "size": 5}
    ),
    "agentworks attachments.complete": lambda s: Sample({"id": s.upload()}),
    "agentworks attachments.download": lambda s: Sample({"id": s.attachment()}),
    "agentworks attachments.delete": lambda s: Sample({"id": s.attachment()}),
    "agentworks activities.list": lambda s: Sample({"id": s.card()}),
    "agentworks agents.list": _nothing,
    "agentworks agents.get": lambda _: Sample({"id": PRD.id}),
    "agentworks agentConfigs.list": _of_project,
    "agentworks agentConfigs.update": lambda s: Sample({"id": s.world.project.id, "agentId": PRD.id}, {"temperature": 0.1}),
    "agentworks runs.list": lambda s: Sample({"id": s.card()}),
    "agentworks runs.trigger": lambda s: Sample({"id": s.card(lane=1), "agentId": PRD.id}, {}),
    "agentworks runs.get": lambda s: Sample({"id": s.run()}),
    "agentworks runs.cancel": lambda s: Sample({"id": s.run()}, {}),
    "agentworks runs.retry": lambda s: Sample({"id": s.run("failed")}, {}),
    "agentworks approvals.list": _of_workspace,
    "agentworks runs.approve": lambda s: Sample({"id": s.run()}, {}, status=409),
    "agentworks runs.reject": lambda s: Sample({"id": s.run()}, {}, status=409),
    "agentworks documents.list": _of_project,
    "agentworks documents.latestByType": _latest_document,
    "agentworks documents.get": lambda s: Sample({"id": s.document()}),
    "agentworks documents.create": lambda s: Sample({"id": s.world.project.id}, {"type": "custom", "title": "T", "content": "C"}),
    "agentworks documents.upload": lambda s: Sample({"id": s.world.project.id}, {"size": 5_000_000}),
    "agentworks documents.update": lambda s: Sample({"id": s.document()}, {"content": "Other words"}),
    "agentworks documents.publish": lambda s: Sample({"id": s.document()}, {}),
    "agentworks usage.workspace": _of_workspace,
    "agentworks usage.project": _of_project,
    "agentworks usage.export": lambda s: Sample({"id": s.world.ws_id}, query=MAY),
    "agentworks exports.get": lambda s: Sample({"id": s.export()}),
    "agentworks billing.get": _of_workspace,
    "agentworks billing.update": lambda s: Sample({"id": s.world.ws_id}, {"billingAddress": ADDRESS, "plan": "pro"}),
    "agentworks billing.invoices": _of_workspace,
    "agentworks billing.addPaymentMethod": lambda s: Sample({"id": s.world.ws_id}, {"type": "bank_transfer"}),
    "agentworks billing.removePaymentMethod": lambda s: Sample({"id": s.world.ws_id, "methodId": s.payment_method()}),
    "agentworks billing.invoice": lambda s: Sample({"id": s.invoice()}),
    "agentworks billing.invoicePdf": lambda s: Sample({"id": s.invoice()}),
    "agentworks billing.creditNotePdf": lambda s: Sample(dict(zip(("id", "creditNoteId"), s.credit_note(), strict=True))),
    # for administrators of the platform, which no role makes anybody
    "agentworks billing.pay": lambda s: Sample({"id": s.invoice()}, {"reference": "R1"}, status=403),
    "agentworks billing.credit": lambda s: Sample({"id": s.invoice()}, {"reason": "A gift"}, status=403),
    # omoios
    "omoios auth.me": _nothing,
    "omoios projects.list": _nothing,
    "omoios projects.create": lambda s: Sample({}, {"name": s.slug()}),
    "omoios projects.get": lambda s: Sample({"project_id": s.world.project.id}),
    "omoios projects.createTicket": lambda s: Sample(
        {"project_id": s.world.project.id}, {"title": "T", "phase_id": "PHASE_BACKLOG"}
    ),
    "omoios board.view": lambda s: Sample({}, query=f"project_id={s.world.project.id}"),
    "omoios board.stats": lambda s: Sample({}, query=f"project_id={s.world.project.id}"),
    "omoios board.wipViolations": lambda s: Sample({}, query=f"project_id={s.world.project.id}"),
    "omoios board.column": lambda _: Sample({"phase_id": "PHASE_BACKLOG"}),
    "omoios board.autoTransition": lambda s: Sample({"ticket_id": s.card()}),
    "omoios board.move": lambda s: Sample({}, {"ticket_id": s.card(), "target_column_id": "backlog"}),
    "omoios tickets.get": lambda s: Sample({"ticket_id": s.card()}),
    "omoios comments.list": lambda s: Sample({"ticket_id": s.card()}),
    "omoios comments.create": lambda s: Sample({"ticket_id": s.card()}, {"content": "Words"}),
    # orchestrator
    "orchestrator users.me": _nothing,
    "orchestrator users.updateMe": lambda _: Sample({}, {"first_name": "Ada"}),
}


def _login(stage: Stage) -> Sample:
    return Sample({}, {"email": stage.somebody().user["email"], "password": PASSWORD})


def _refresh_token(name: str) -> Callable[[Stage], Sample]:
    return lambda stage: Sample({}, {name: stage.somebody().refresh})


def _logout(stage: Stage) -> Sample:
    return Sample({}, caller=stage.somebody())


def _new_password(stage: Stage) -> Sample:
    return Sample({}, {"currentPassword": PASSWORD, "newPassword": "another horse"}, caller=stage.somebody())


def _workspace_to_delete(stage: Stage) -> Sample:
    made = stage.world.ada("workspaces", "POST", "/workspaces", body={"name": "Gone", "slug": stage.slug()})
    return Sample({"id": made.json["id"]})


def _mailed(purpose: Purpose, **further: str) -> Callable[[Stage], Sample]:
    """A request with a token as it stands in a mail."""

    def sample(stage: Stage) -> Sample:
        user = stage.somebody().user
        token, _ = one_time_tokens.issue(purpose, user["id"], email=user["email"])
        return Sample({}, {"token": token} | further)

    return sample


def _invited(stage: Stage) -> Sample:
    somebody = stage.somebody()
    token = stage.invitation(somebody.user["email"])["invitationUrl"].rpartition("token=")[2]
    return Sample({"id": stage.world.ws_id, "token": token}, {"token": token}, caller=somebody)


@cache
def _provider() -> IdentityProvider:
    """Where people can sign in as `samples`, while the tests last."""
    made = IdentityProvider()
    os.environ.update(made.environment("samples"))
    atexit.register(made.close)
    return made


def _sign_in(stage: Stage) -> Sample:
    """A browser that comes back from the provider, with somebody who was never here."""
    provider, browser = _provider(), Browser("samples")
    provider.person = {"sub": stage.slug(), "email": f"{stage.slug()}@matrix.example", "email_verified": True, "name": "New Body"}
    query = urlsplit(browser.at_provider(browser.start())).query
    return Sample({"provider": "samples"}, query=query, headers={"Cookie": browser.cookie})


def _begin_sign_in(_: Stage) -> Sample:
    _provider()
    return Sample({"provider": "samples"})


ALONE: dict[str, Callable[[Stage], Sample]] = {
    "agentworks auth.login": _login,
    "aintandem auth.login": _login,
    "orchestrator auth.login": _login,
    "omoios auth.login": _login,
    "agentworks auth.register": lambda s: Sample(
        {}, {"name": "New Body", "email": f"{s.slug()}@matrix.example", "password": PASSWORD}
    ),
    "aintandem auth.register": lambda s: Sample(
        {}, {"name": "New Body", "email": f"{s.slug()}@matrix.example", "password": PASSWORD, "organization": "Ours"}
    ),
    "agentworks auth.refresh": _refresh_token("refreshToken"),
    "aintandem auth.refresh": _refresh_token("refresh_token"),
    "orchestrator auth.refresh": _refresh_token("refresh_token"),
    "agentworks auth.logout": _logout,
    "aintandem auth.logout": _logout,
    "orchestrator auth.logout": _logout,
    "omoios auth.logout": _logout,
    "agentworks auth.changePassword": _new_password,
    "agentworks auth.oauthStart": _begin_sign_in,
    "agentworks auth.oauthCallback": _sign_in,
    "agentworks auth.verifyEmail": _mailed(Purpose.VERIFY),
    "agentworks auth.forgotPassword": lambda s: Sample({}, {"email": s.somebody().user["email"]}),
    "agentworks auth.resetPassword": _mailed(Purpose.RESET, newPassword="another horse"),
    "agentworks workspaces.delete": _workspace_to_delete,
    "agentworks invitations.accept": _invited,
    "agentworks comments.update": lambda s: Sample({"id": s.comment()}, {"content": "Other words"}),
    "agentworks comments.delete": lambda s: Sample({"id": s.comment()}),
    "omoios comments.update": lambda s: Sample({"comment_id": s.comment()}, {"content": "Other words"}),
    "omoios comments.delete": lambda s: Sample({"comment_id": s.comment()}),
    "agentworks billing.stripeWebhook": lambda _: Sample({}, {"type": "payment_intent.succeeded"}, status=404),
    "enterprise health.get": _nothing,
    "aintandem system.health": _nothing,
    "aintandem system.info": _nothing,
}
"""Requests that anybody may make, or that only the owner's own person can make."""


def name_of(route: Route) -> str:
    return f"{route.contract} {route.operation.id}"


def ask(sample: Sample, route: Route, caller: Client) -> Answer:
    path = re.sub(r"\{([^}]*)\}", lambda found: sample.path[found[1]], route.path)
    return caller.at(route.contract)(
        route.area, route.method, path + (f"?{sample.query}" if sample.query else ""), body=sample.body, headers=sample.headers
    )
