"""DynamoDB: items that expire by time to live have a record in the stream, as on AWS."""

import threading
import time
from typing import Any

from ministack.services import dynamodb
from ministack.services.cloudformation import provisioners

from local.patches.journal import remove_unrecorded
from local.patches.scope import account_and_region

_INTERVAL = 10.0  # seconds


def apply() -> None:
    """Apply this module's patches."""
    enable_expiry()
    record_expiry()


def enable_expiry() -> None:
    """Fault: `TimeToLiveSpecification` of a template is ignored. Symptom: nothing ever expires."""
    handlers = provisioners._RESOURCE_HANDLERS["AWS::DynamoDB::Table"]
    for action, props_at in (("create", 1), ("update", 2)):
        handlers[action] = _with_expiry(handlers[action], props_at)


def _with_expiry(provision: Any, props_at: int) -> Any:
    def provisioning(*args: Any, **named: Any) -> Any:
        answer = provision(*args, **named)
        setting = args[props_at].get("TimeToLiveSpecification")
        if setting:
            enabled = str(setting.get("Enabled", True)).lower() == "true"
            status = "ENABLED" if enabled else "DISABLED"
            dynamodb._ttl_settings[answer[0]] = {"TimeToLiveStatus": status, "AttributeName": setting.get("AttributeName", "")}
        return answer

    return provisioning


def record_expiry() -> None:
    """Fault: expired items disappear without a stream record. Symptom: whatever reacts to an expiry never runs."""
    threading.Thread(target=_delete_expired_forever, daemon=True, name="ttl").start()


def _delete_expired_forever() -> None:
    while True:
        time.sleep(_INTERVAL)
        delete_expired(time.time())


def delete_expired(now: float) -> int:
    """Delete what expired before `now` (epoch seconds), with stream records; returns how many items."""
    deleted = 0
    for (account, region, name), setting in list(dynamodb._ttl_settings.all_items()):
        table = dynamodb._tables.get_scoped(account, region, name)
        if table and setting.get("TimeToLiveStatus") == "ENABLED":
            deleted += _delete_expired_in(account, region, name, table, setting["AttributeName"], now)
    return deleted


def _delete_expired_in(account: str, region: str, name: str, table: dict[str, Any], attribute: str, now: float) -> int:
    with dynamodb._lock, account_and_region(account, region):
        expired = [
            (partition, sort)
            for partition, rows in table["items"].items()
            for sort, item in rows.items()
            if _expired(item.get(attribute), now)
        ]
        for partition, sort in expired:
            item = remove_unrecorded(table, partition, sort)  # after a kill it expires once more, with its record
            before = len(dynamodb._stream_records.get(name) or [])
            dynamodb._emit_stream_event(name, "REMOVE", item, None)
            records = dynamodb._stream_records.get(name) or []
            if len(records) > before:
                records[-1]["userIdentity"] = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
    return len(expired)


def _expired(value: Any, now: float) -> bool:
    try:
        return value is not None and float(value["N"]) <= now
    except (KeyError, TypeError, ValueError):
        return False
