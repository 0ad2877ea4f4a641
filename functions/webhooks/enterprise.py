"""enterprise, "Webhook Events": webhooks, their secrets, and the log of their deliveries."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StringConstraints

from shared.channels.webhooks import deliveries, subscribing
from shared.channels.webhooks.rows import Delivery, Webhook
from shared.channels.webhooks.signing import body_for
from shared.core.actor import Actor, Permission
from shared.core.errors import NotFound
from shared.core.situations import Situation
from shared.edge.contracts.base import Paged, Shape, StrictRequest
from shared.edge.contracts.enterprise import ENTERPRISE, Page, PageSize
from shared.edge.contracts.fields import Seen
from shared.edge.http.call import Caller
from shared.edge.http.routing import Routes
from shared.edge.views.enterprise.events import EventName
from shared.store import load
from shared.work.projects.rows import Project

routes = Routes(ENTERPRISE, "webhooks")


def _each_once(events: list[Any]) -> list[Any]:
    if len(set(events)) != len(events):
        raise ValueError("Each event once")
    return events


Url = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2_048)]
Events = Annotated[list[Literal[EventName, "*"]], Field(min_length=1), AfterValidator(_each_once)]
Secret = Annotated[str, Field(min_length=24, max_length=128)]
About = Annotated[str, Field(max_length=500), Seen]


class CreateWebhookRequest(StrictRequest):
    """`events` are names of events, or `*` for all. A `secret` of one's own has 24 characters at least, or is `whsec_` and Base64; without
    one, one is made."""

    url: Url
    events: Events
    secret: Secret | None = None
    description: About | None = None
    project_id: str | None = None
    active: bool = True


class UpdateWebhookRequest(StrictRequest):
    """What is not given stays. With a new `secret`, deliveries are signed with the one before too for a day."""

    url: Url | None = None
    events: Events | None = None
    active: bool | None = None
    secret: Secret | None = None
    description: About | None = None


class WebhookShape(Shape):
    """`disabled_reason` says why the platform has switched it off: `gone` (it answered 410) or `failing` (nothing was delivered for more
    than a day)."""

    id: str
    url: str
    events: list[str]
    active: bool
    description: str
    project_id: str | None
    disabled_reason: str | None
    created_at: str
    updated_at: str


class WebhookWithSecret(WebhookShape):
    """The secret is shown here and never again."""

    secret: str


class WebhookDelivery(Shape):
    """`response_status` and `duration_ms` are of the last attempt."""

    id: str
    event_id: str
    event: str
    status: str
    attempts: int
    response_status: int | None
    duration_ms: int | None
    next_attempt_at: str | None
    created_at: str


class DeliveryAttempt(Shape):
    """`status` is absent if no answer came; `error` then says why. `answer` is the beginning of the answer's body."""

    at: str
    url: str
    headers: dict[str, str]
    duration_ms: int
    status: int | None = None
    answer: str | None = None
    error: str | None = None


class DeliveryReport(WebhookDelivery):
    """`request_body` is the body of the last attempt, or of the first one to come."""

    request_body: str
    tries: list[DeliveryAttempt]


@routes.post(
    "/webhooks",
    "webhooks.create",
    status=201,
    permission=Permission.WORKSPACE_WRITE,
    secret=True,
    errors=(Situation.LIMIT_REACHED,),
)
async def create(body: CreateWebhookRequest, caller: Caller) -> WebhookWithSecret:
    """Create a webhook of the caller's organization. The address must be https and in the public internet."""
    project_id = _project(caller, body.project_id).id if body.project_id else None
    new = subscribing.NewWebhook(body.url, list(body.events), body.secret, body.description, project_id, body.active)
    webhook, secret = subscribing.create_webhook(caller, new)
    return _with_secret(webhook, secret)


def _project(caller: Actor, project_id: str) -> Project:
    """Return a project of the caller's organization. Raises NotFound."""
    project = load(Project, project_id, caller, Permission.PROJECT_READ)
    if project.org_id != caller.org_id:
        raise NotFound(Project.NAME)
    return project


@routes.get("/webhooks", "webhooks.list", permission=Permission.WORKSPACE_READ)
async def list_all(caller: Caller, page: Page = 1, page_size: PageSize = 20) -> Paged[WebhookShape]:
    """List the webhooks of the caller's organization, oldest first: twenty at most."""
    found = subscribing.list_webhooks(caller)
    shown = found[(page - 1) * page_size : page * page_size]
    return Paged([_shape(one) for one in shown], len(found), page, page_size)


@routes.get("/webhooks/{webhook_id}", "webhooks.get", permission=Permission.WORKSPACE_READ)
async def get(webhook_id: str, caller: Caller) -> WebhookShape:
    """Get a webhook, without its secret."""
    return _shape(subscribing.get_webhook(caller, webhook_id))


@routes.patch("/webhooks/{webhook_id}", "webhooks.update", permission=Permission.WORKSPACE_WRITE)
async def update(webhook_id: str, body: UpdateWebhookRequest, caller: Caller) -> WebhookShape:
    """Change a webhook. `active: false` pauses it: what happens meanwhile is not sent, what waits is kept for three days."""
    given = body.model_dump(exclude_unset=True)
    changes = {name: value for name, value in given.items() if value is not None or name == "description"}
    return _shape(subscribing.update_webhook(caller, webhook_id, changes))


@routes.delete("/webhooks/{webhook_id}", "webhooks.delete", status=204, permission=Permission.WORKSPACE_WRITE)
async def delete(webhook_id: str, caller: Caller) -> None:
    """Delete a webhook, with what waits to be sent to it."""
    subscribing.delete_webhook(caller, webhook_id)


@routes.post(
    "/webhooks/{webhook_id}/rotate-secret",
    "webhooks.rotateSecret",
    permission=Permission.WORKSPACE_WRITE,
    secret=True,
    addition=True,
)
async def rotate_secret(webhook_id: str, caller: Caller) -> WebhookWithSecret:
    """Give a webhook a new secret. For 24 hours `webhook-signature` has a signature of each, and `X-Signature-256-Previous` that of the one
    before."""
    return _with_secret(*subscribing.rotate_secret(caller, webhook_id))


@routes.post("/webhooks/{webhook_id}/test", "webhooks.test", status=202, permission=Permission.WORKSPACE_WRITE, addition=True)
async def test(webhook_id: str, caller: Caller) -> WebhookDelivery:
    """Send the event `webhook.test`; the log has its delivery."""
    return _delivery(deliveries.send_test(caller, webhook_id))


@routes.get("/webhooks/{webhook_id}/deliveries", "webhooks.deliveries", permission=Permission.WORKSPACE_READ)
async def list_deliveries(webhook_id: str, caller: Caller, page: Page = 1, page_size: PageSize = 20) -> Paged[WebhookDelivery]:
    """List the deliveries of the last 30 days, newest first."""
    found, total = deliveries.list_deliveries(caller, webhook_id, offset=(page - 1) * page_size, limit=page_size)
    return Paged([_delivery(one) for one in found], total, page, page_size)


@routes.get(
    "/webhooks/{webhook_id}/deliveries/{delivery_id}",
    "webhooks.delivery",
    permission=Permission.WORKSPACE_READ,
    addition=True,
)
async def get_delivery(webhook_id: str, delivery_id: str, caller: Caller) -> DeliveryReport:
    """Get a delivery with its request and the answer to each attempt."""
    webhook, delivery, content, data = deliveries.get_delivery(caller, webhook_id, delivery_id)
    last = max(content.retry_count - 1, int(content.earlier)) if content else 0
    return DeliveryReport(
        **_delivery(delivery).model_dump(),
        request_body=body_for(webhook.url, content, data, last).decode() if content else "",
        tries=[DeliveryAttempt(**one) for one in content.tries] if content else [],
    )


@routes.post(
    "/webhooks/{webhook_id}/deliveries/{delivery_id}/redeliver",
    "webhooks.redeliver",
    status=202,
    permission=Permission.WORKSPACE_WRITE,
    addition=True,
)
async def redeliver(webhook_id: str, delivery_id: str, caller: Caller) -> WebhookDelivery:
    """Send a delivery that has ended once more, with the same `event_id`, as a new delivery."""
    return _delivery(deliveries.redeliver(caller, webhook_id, delivery_id))


def _shape(webhook: Webhook) -> WebhookShape:
    return WebhookShape(**_fields(webhook))


def _with_secret(webhook: Webhook, secret: str) -> WebhookWithSecret:
    return WebhookWithSecret(**_fields(webhook), secret=secret)


def _fields(webhook: Webhook) -> dict[str, Any]:
    shown = {name: getattr(webhook, name) for name in WebhookShape.model_fields}
    return shown | {"description": webhook.description or ""}


def _delivery(delivery: Delivery) -> WebhookDelivery:
    numbers = {
        name: None if getattr(delivery, name) is None else int(getattr(delivery, name))
        for name in ("response_status", "duration_ms")
    }
    return WebhookDelivery(
        id=delivery.id,
        event_id=delivery.source,
        event=delivery.event,
        status=delivery.status,
        attempts=int(delivery.attempts),
        next_attempt_at=delivery.next_attempt_at,
        created_at=delivery.created_at,
        **numbers,
    )
