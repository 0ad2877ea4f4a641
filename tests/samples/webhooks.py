"""Requests of the area `webhooks`."""

from shared.channels.webhooks.rows import Content, Delivery
from shared.store import delete_many, get, put_many
from tests.samples.stage import Sample, Samples, Stage, nothing

BODY = {"url": "https://hooks.example.com/cadre", "events": ["*"]}


def _webhook(stage: Stage) -> str:
    """One for all requests: an organization has twenty at most."""
    owner = stage.world.ada.at("enterprise")
    found = owner("webhooks", "GET", "/webhooks").json["data"]
    made = found or [owner("webhooks", "POST", "/webhooks", body=BODY).json["data"]]
    return str(made[0]["id"])


def _of_webhook(stage: Stage) -> Sample:
    return Sample({"webhook_id": _webhook(stage)})


def _changed(stage: Stage) -> Sample:
    return Sample({"webhook_id": _webhook(stage)}, {"description": "Ours"})


def _delivery(stage: Stage) -> Sample:
    """One that has ended, as the worker leaves it."""
    webhook = _webhook(stage)
    made = stage.world.ada.at("enterprise")("webhooks", "POST", f"/webhooks/{webhook}/test").json["data"]
    delivery = get(Delivery, *Delivery.key_in(webhook, made["id"]))
    assert delivery is not None
    content = get(Content, delivery.pk, delivery.waits_at)
    assert content is not None
    delete_many([content])
    content.pk, content.sk = Content.log_key(webhook, delivery.id)
    content.attempts = delivery.attempts = 1
    content.tries = [{"at": content.at, "url": BODY["url"], "headers": {}, "duration_ms": 5, "status": 200}]
    delivery.status, delivery.waits_at, delivery.response_status, delivery.duration_ms = "delivered", None, 200, 5
    put_many([delivery, content])
    return Sample({"webhook_id": webhook, "delivery_id": delivery.id})


SAMPLES: Samples = {
    ("enterprise", "webhooks.create"): lambda _: Sample({}, BODY),
    ("enterprise", "webhooks.list"): nothing,
}
"""What anybody may ask for their own organization."""
ALONE: Samples = {
    ("enterprise", "webhooks.get"): _of_webhook,
    ("enterprise", "webhooks.update"): _changed,
    ("enterprise", "webhooks.delete"): _of_webhook,
    ("enterprise", "webhooks.deliveries"): _of_webhook,
    ("enterprise", "webhooks.delivery"): _delivery,
    ("enterprise", "webhooks.redeliver"): _delivery,
    ("enterprise", "webhooks.rotateSecret"): _of_webhook,
    ("enterprise", "webhooks.test"): _of_webhook,
}
"""Only the owner of the organization can make these: the stage's other people have one of their own."""
