"""On the deployed stack: a picture goes through the gateway byte for byte, and what happens comes into alerts and inboxes by the stream."""

import pytest

from local.stack import LocalStack
from shared.work.attachments.direct import MAX_DIRECT
from tests.areas.test_attachments_omoios import DISCLOSED, PNG
from tests.samples.comments import MULTIPART, form_with
from tests.stack.test_cards import send
from tests.stack.test_runs import client, founded
from tests.waiting import eventually

LARGE = PNG + bytes(range(256)) * ((MAX_DIRECT - len(PNG)) // 256)


@pytest.mark.parametrize("picture", [PNG, DISCLOSED, LARGE], ids=["png", "line ends", "large"])
def test_a_picture_goes_up_and_comes_down_byte_for_byte(stack: LocalStack, picture: bytes) -> None:
    shop = founded(stack)
    base, card = stack.url("omoios"), shop.card(6, "feature")
    token = {"Authorization": f"Bearer {shop.token}"}
    form = form_with(picture, "plan.png", "image/png")
    status, text = send("POST", f"{base}/tickets/{card}/attachments", form, MULTIPART | token)
    assert status == 201, text
    (made,) = shop("GET", f"/cards/{card}")[1]["attachments"]
    assert (made["filename"], made["size"]) == ("plan.png", len(picture))
    status, body = send("GET", f"{base}/attachments/{made['id']}", headers=token)
    assert (status, body == picture) == (200, True)


def test_a_blocked_ticket_comes_into_alerts_and_the_inbox(stack: LocalStack) -> None:
    shop = founded(stack)
    base, card = stack.url("omoios"), shop.card(6, "feature")
    omoios = client(base, shop.token)
    omoios("POST", f"/tickets/{card}/block", {"blocked_reason": "No database"})
    alert = eventually(lambda: omoios("GET", f"/alerts?entity_id={card}"), bool)[0]
    assert (alert["rule_id"], alert["status"]) == ("ticket_blocked", "active")
    told = eventually(lambda: [one for one in omoios("GET", "/notifications") if one["entity_id"] == alert["id"]], bool)
    assert told[0]["type"] == "alert"
    omoios("POST", f"/tickets/{card}/unblock")
    eventually(lambda: omoios("GET", f"/alerts/{alert['id']}"), lambda one: one["status"] == "resolved")
    assert omoios("POST", "/notifications/read-all")["marked_read"] >= 1
    eventually(lambda: omoios("GET", "/notifications?unread_only=true"), lambda unread: unread == [])
