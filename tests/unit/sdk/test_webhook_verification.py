"""The Python client verifies what the platform signs, and refuses everything else."""

import base64
import hashlib
import hmac
import json
import time

import pytest
from standardwebhooks import Webhook as Standard

from ai_agents import webhooks
from ai_agents.errors import WebhookVerificationError
from shared.channels.webhooks.signing import headers_of, new_secret

SECRET = new_secret()
EVENT = {
    "event": "deployment.completed",
    "timestamp": "2024-10-26T10:30:00Z",
    "event_id": "evt-uuid-123",
    "retry_count": 0,
    "data": {"deployment": {"id": "deploy-uuid-1", "status": "success", "environment": "production"}},
}
BODY = json.dumps(EVENT).encode()


def signed(*secrets, sent=None, body=BODY):
    return headers_of(body, "evt-uuid-123", int(time.time()) if sent is None else sent, secrets or (SECRET,))


def test_what_the_platform_signs_is_good():
    event = webhooks.verify(BODY, signed(), SECRET)
    assert (event.event, event.event_id, event.retry_count) == ("deployment.completed", "evt-uuid-123", 0)
    assert event.data["deployment"]["status"] == "success"
    assert Standard(SECRET).verify(BODY, signed())


def test_a_secret_of_ones_own_and_other_spellings_of_headers():
    secret = "a secret that is no Base64 at all!"
    headers = {name.title(): value for name, value in signed(secret).items()}
    assert webhooks.verify(BODY, headers, secret).event_id == "evt-uuid-123"


def test_while_a_secret_is_replaced_both_are_good():
    new = new_secret()
    headers = signed(new, SECRET)
    assert webhooks.verify(BODY, headers, SECRET) == webhooks.verify(BODY, headers, new)


def test_the_documented_signature_alone_is_enough_only_for_who_says_so():
    """As the document says: the HMAC of the body, in hex, after `sha256=`. It does not say when it was made."""
    headers = {"X-Signature-256": f"sha256={hmac.new(SECRET.encode(), BODY, hashlib.sha256).hexdigest()}"}
    assert webhooks.verify(BODY, headers, SECRET, tolerance=None).retry_count == 0
    with pytest.raises(WebhookVerificationError, match="webhook-timestamp is missing"):
        webhooks.verify(BODY, headers, SECRET)
    with pytest.raises(WebhookVerificationError):
        webhooks.verify(BODY + b" ", headers, SECRET, tolerance=None)


def test_what_is_old_is_refused_also_if_it_is_from_the_future():
    for shift in (-400, 400):
        headers = signed(sent=int(time.time()) + shift)
        with pytest.raises(WebhookVerificationError, match="too far from now"):
            webhooks.verify(BODY, headers, SECRET)
        assert webhooks.verify(BODY, headers, SECRET, tolerance=1000)


WRONG = {
    "another body": (BODY + b" ", {}),
    "another secret": (BODY, signed(new_secret())),
    "no signature": (BODY, {"x-signature-256": "", "webhook-signature": ""}),
    "a bare digest": (BODY, {"x-signature-256": hashlib.sha256(BODY).hexdigest()}),
    "no ASCII": (BODY, {"x-signature-256": "sha256=ü"}),
    "another time": (BODY, {"webhook-timestamp": str(int(time.time()) - 1)}),
    "no time": (BODY, {"webhook-timestamp": "²"}),
    "another id": (BODY, {"webhook-id": "evt-2"}),
    "another version": (BODY, {"webhook-signature": f"v2,{base64.b64encode(b'x' * 32).decode()}"}),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_anything_else_is_refused(wrong):
    body, changed = WRONG[wrong]
    headers = {name.lower(): value for name, value in (signed() | changed).items()} | changed
    with pytest.raises(WebhookVerificationError):
        webhooks.verify(body, headers, SECRET)


@pytest.mark.parametrize("body", [b"no JSON", b"[]", b"{}", b"\xff"])
def test_a_signed_body_that_is_no_event_is_refused(body):
    with pytest.raises(WebhookVerificationError, match="no event"):
        webhooks.verify(body, signed(body=body), SECRET)


def test_a_secret_that_is_cut_off_says_so():
    half = SECRET[:-2]
    documented = hmac.new(half.encode(), BODY, hashlib.sha256).hexdigest()
    with pytest.raises(WebhookVerificationError, match="not Base64"):
        webhooks.verify(BODY, signed() | {"X-Signature-256": f"sha256={documented}"}, half)
