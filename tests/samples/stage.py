"""The stage on which samples act: a workspace with somebody in each role, and the things in it."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from infra.routes import Route
from shared.agents.catalogue import agent_named
from shared.core.actor import Role
from shared.core.ids import new_id
from shared.people.tenancy.rows import Organization
from shared.store import fetch, put_file, save, write
from shared.work.attachments.uploading import begin_upload, finish_upload
from shared.work.items.rows import Item
from tests.areas.billing_world import invoice_with_credit_note
from tests.areas.boards_world import World, create_world, put_on_plan
from tests.areas.driving import Answer, Client, confirm_address, sign_up

PRD = agent_named("prd")
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
        domain = f"{new_id()}.example"  # one engine has several stages
        self.world: World = create_world(f"owner@{domain}", "Olga Owner")
        self.callers: dict[str, Client] = {Role.OWNER: self.world.ada} | {
            role: self.world.join(f"{role} person", f"{role}@{domain}", role) for role in (Role.ADMIN, Role.MEMBER, Role.VIEWER)
        }
        for client in self.callers.values():
            confirm_address(client)
        put_on_plan(self.world.ws_id, maxProjects=1000, maxMembers=1000)
        self._give_many_requests(PASSWORD)
        self.world.set_wip(1, None)
        many = {"settings": {"maxConcurrentRuns": 100}}
        assert self.world.ada("projects", "PUT", f"/projects/{self.world.project.id}", body=many).status == 200
        self.stranger = sign_up("Stan Stranger", f"stranger@{domain}")
        self.names = iter(range(10_000))
        self.billed: tuple[str, str] | None = None

    def _give_many_requests(self, password: str) -> None:
        """The owner asks more often in a minute than the free plan allows."""
        organization = fetch(Organization, self.organization)
        assert organization is not None
        organization.plan, organization.max_projects, organization.max_users = "professional", 1000, 1000
        write(save(organization))
        body = {"email": self.world.ada.user["email"], "password": password}
        self.world.ada.token = self.world.ada("auth", "POST", "/auth/login", body=body).json["token"]

    # -- things to act on, made by the owner

    @property
    def organization(self) -> str:
        return str(self.world.project.org_id)

    @cached_property
    def extra_project(self) -> str:
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

    def upload(self, card: str | None = None) -> str:
        """A file that has come and is not attached yet."""
        actor = self.world.actor
        announced, _ = begin_upload(actor, card or self.card(), "plan.txt", "text/plain", 5)
        put_file(announced.file, b"Words", "text/plain")
        return announced.id

    def attachment(self) -> str:
        return finish_upload(self.world.actor, self.upload()).id

    def filed(self) -> str:
        """A card with a file."""
        card = self.card()
        finish_upload(self.world.actor, self.upload(card))
        return card

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
            self.billed = invoice_with_credit_note(self.world.ws_id)
        return self.billed

    def payment_method(self) -> str:
        body = {"type": "bank_transfer"}
        return self.world.ada("billing", "POST", f"/workspaces/{self.world.ws_id}/billing/payment-methods", body=body).json["id"]

    def new_user(self) -> Client:
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


def of_project(stage: Stage) -> Sample:
    return Sample({"id": stage.world.project.id})


def of_board(stage: Stage) -> Sample:
    return Sample({"id": stage.world.board.id, "boardId": stage.world.board.id})


def of_workspace(stage: Stage) -> Sample:
    return Sample({"id": stage.world.ws_id, "workspaceId": stage.world.ws_id})


def nothing(_: Stage) -> Sample:
    return Sample({})


Samples = dict[tuple[str, str], Callable[[Stage], Sample]]
"""By contract and operation."""


def ask(sample: Sample, route: Route, caller: Client) -> Answer:
    """The answer to a sample, asked by somebody."""
    path = re.sub(r"\{([^}]*)\}", lambda found: sample.path[found[1]], route.path)
    return caller.at(route.contract)(
        route.area, route.method, path + (f"?{sample.query}" if sample.query else ""), body=sample.body, headers=sample.headers
    )
