"""What SES says of a mail after it was sent, as EventBridge delivers it: `{"detail-type": "Email Bounced", "detail": {...}, ...}`."""

import logging
from typing import Any

from shared.channels.mail import addresses

log = logging.getLogger(__name__)


def note_feedback(event: dict[str, Any]) -> None:
    """Refuse or lift the address that the mail was sent to. An event may come twice.

    The address is the one in `mail.destination`, always a single one. Recipients in the report may be others, to which it was forwarded.
    """
    detail = event["detail"]
    reason = _reason(detail)
    for address in detail["mail"]["destination"]:
        if reason is not None:
            addresses.refuse(address, reason)
        elif _is_taken_back(detail):
            addresses.lift(address)
    tags = {name: values[0] for name, values in detail["mail"].get("tags", {}).items() if name in ("mail", "kind")}
    log.warning("feedback on a mail", extra=tags | {"event": detail["eventType"], "reason": reason})


def _reason(detail: dict[str, Any]) -> str | None:
    """Return why no more mail is sent; None for a mailbox that is only full or not reached for now."""
    if detail["eventType"] == "Bounce":
        return addresses.BOUNCE if detail["bounce"]["bounceType"] == "Permanent" else None
    if detail["eventType"] == "Complaint":
        return None if _is_taken_back(detail) else addresses.COMPLAINT
    return None


def _is_taken_back(detail: dict[str, Any]) -> bool:
    """Tell whether a provider reports that a mail is no spam, which its user had called so."""
    return bool(detail.get("complaint", {}).get("complaintFeedbackType") == "not-spam")
