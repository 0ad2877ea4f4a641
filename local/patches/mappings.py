"""Event source mappings: streams that survive a restart, do not block each other, retry as configured and report partial failures."""

import logging
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from ministack.services import dynamodb, lambda_svc, sqs

from local.patches.scope import account_and_region

_IDLE_GAP = 0.005
_BACKOFF_FIRST, _BACKOFF_MOST = 0.2, 5.0
_PENDING_KEY = "cadre_pending_records"


@dataclass
class _Shard:
    """The retries of one mapping; `limit` is the batch size, which is halved after a failure."""

    attempts: int = 0
    limit: int = field(default=10_000)


log = logging.getLogger("local.patches")

_shards: dict[str, _Shard] = {}


def apply() -> None:
    """Apply this module's patches."""
    shorten_poll_gap()
    keep_pending_records()
    fix_queue_port()
    lambda_svc._poll_dynamodb_streams = poll_streams


def shorten_poll_gap() -> None:
    """Fault: after a wake that found nothing the poller sleeps 50 ms. Symptom: every second message reaches its function late."""
    lambda_svc._ESM_IDLE_WAKE_GAP_SECONDS = _IDLE_GAP


def fix_queue_port() -> None:
    """Fault: a queue's identity contains the engine's port. Symptom: after a restart on another port its mappings find no queue."""
    sqs.DEFAULT_PORT = "4566"
    sqs._CANONICAL_NETLOC = f"{sqs.DEFAULT_HOST}:{sqs.DEFAULT_PORT}"


def keep_pending_records() -> None:
    """Fault: positions in a stream are saved, its records are not.

    Symptom: after a restart every stream mapping waits, silently, until as many records were written as before it. The records not yet
    consumed now travel with the table's state, and the stream resumes at the position they had.
    """
    get_state, restore = dynamodb.get_state, dynamodb.load_persisted_state

    def saving() -> Any:
        with dynamodb._lock:
            return {**get_state(), _PENDING_KEY: _pending_records()}

    def restoring(data: Any) -> Any:
        result = restore(data)
        for account, region, table, first, records in data.get(_PENDING_KEY) or []:
            dynamodb._stream_records.set_scoped(account, region, table, records)
            dynamodb._stream_trimmed.set_scoped(account, region, table, first)
        return result

    dynamodb.get_state, dynamodb.load_persisted_state = saving, restoring


def _pending_records() -> list[list[Any]]:
    """`[account, region, table, position of the first, records]` of each stream; consumed records are left out."""
    positions: dict[tuple[str, str, str], int] = {}
    for account, region, mapping in lambda_svc._iter_all_esms():
        table = _table_of(mapping)
        position = lambda_svc._dynamodb_stream_positions._data.get((account, region, mapping["UUID"]))
        if table and position is not None:
            key = (account, region, table)
            positions[key] = min(position, positions.get(key, position))
    pending = []
    for (account, region, table), position in positions.items():
        scope = {"account_id": account, "region": region}
        end = dynamodb.stream_end_position(table, **scope)
        first = min(max(position, dynamodb.stream_start_position(table, **scope)), end)
        pending.append([account, region, table, first, dynamodb.stream_records_since(table, first, end - first, **scope)])
    return pending


def _table_of(mapping: dict[str, Any]) -> str | None:
    source = str(mapping.get("EventSourceArn", ""))
    if ":dynamodb:" not in source or "/stream/" not in source:
        return None
    return source.split("/stream/", maxsplit=1)[0].rsplit("/", 1)[-1]


def poll_streams() -> bool:
    """Fault: stream batches run inside the one polling thread, retry for ever and ignore `batchItemFailures`.

    Symptom: a slow stream function stops every queue and every other stream, and a record that always fails stops its stream. Now
    each mapping has its own thread while it has records, with one batch at a time; returns whether a batch was taken.
    """
    taken = False
    for account, region, mapping in lambda_svc._iter_all_esms():
        if not mapping.get("Enabled", True) or _table_of(mapping) is None:
            continue
        with account_and_region(account, region):
            taken = _take(mapping) or taken
    return taken


def _take(mapping: dict[str, Any]) -> bool:
    mapping_id = mapping["UUID"]
    if lambda_svc._esm_inflight.get(mapping_id) or lambda_svc._esm_backoff_until.get(mapping_id, 0) > time.time():
        return False
    table = str(_table_of(mapping))
    if (dynamodb._tables.get(table) or {}).get("LatestStreamArn") != mapping["EventSourceArn"]:
        return False
    function, _config = lambda_svc._get_func_record_for_qualifier(mapping["FunctionName"], mapping.get("Qualifier"))
    if function is None:
        return False
    position = _position(mapping, table)
    limit = min(mapping.get("BatchSize", 100), _shards.setdefault(mapping_id, _Shard()).limit)
    batch = dynamodb.stream_records_since(table, position, limit)
    if not batch:
        return False
    lambda_svc._dispatch_esm_batch(mapping_id, _run, mapping, function, list(batch), position)
    return True


def _position(mapping: dict[str, Any], table: str) -> int:
    """Where the mapping reads next, inside what the stream still holds."""
    first, end = dynamodb.stream_start_position(table), dynamodb.stream_end_position(table)
    with lambda_svc._dynamodb_stream_positions_lock:
        known = lambda_svc._dynamodb_stream_positions.get(mapping["UUID"])
        if known is None:
            known = first if mapping.get("StartingPosition", "LATEST") == "TRIM_HORIZON" else end
        position = int(min(max(known, first), end))
        lambda_svc._dynamodb_stream_positions[mapping["UUID"]] = position
    return position


def _run(mapping: dict[str, Any], function: Any, batch: list[dict[str, Any]], position: int) -> None:
    records = lambda_svc._apply_filter_criteria(batch, mapping)
    result = lambda_svc._execute_function(function, {"Records": records}) if records else {"body": None}
    done = 0 if result.get("error") else _done(mapping, batch, result.get("body"))
    shard = _shards[mapping["UUID"]]
    if done == len(batch):
        _shards[mapping["UUID"]] = _Shard()
        mapping["LastProcessingResult"] = f"OK - {len(batch)} records"
        _advance(mapping, position + done)
        return
    mapping["LastProcessingResult"] = "FAILED"
    log.warning(
        "stream mapping of %s: %d of %d records failed: %s",
        mapping["FunctionArn"],
        len(batch) - done,
        len(batch),
        result.get("body"),
    )
    _advance(mapping, position + done)
    shard.attempts = 1 if done else shard.attempts + 1
    retries = mapping.get("MaximumRetryAttempts", -1)
    if 0 <= retries < shard.attempts:
        _give_up(mapping, function, batch[done:], position + done, result)
        return
    if mapping.get("BisectBatchOnFunctionError") and len(batch) > 1:
        shard.limit = max(1, len(batch) // 2)
    pause = min(_BACKOFF_MOST, _BACKOFF_FIRST * 2 ** (shard.attempts - 1))
    lambda_svc._esm_backoff_until[mapping["UUID"]] = time.time() + pause
    waking = threading.Timer(pause + 0.01, lambda_svc._esm_wake.set)
    waking.daemon = True
    waking.start()


def _done(mapping: dict[str, Any], batch: list[dict[str, Any]], body: Any) -> int:
    """How many records of the batch are done: all before the first one reported, in stream order."""
    if "ReportBatchItemFailures" not in mapping.get("FunctionResponseTypes", []) or not isinstance(body, dict):
        return len(batch)
    failed = {item.get("itemIdentifier") for item in body.get("batchItemFailures") or []}
    numbers = [record["dynamodb"]["SequenceNumber"] for record in batch]
    if not failed:
        return len(batch)
    return next((index for index, number in enumerate(numbers) if number in failed), 0)


def _give_up(mapping: dict[str, Any], function: Any, batch: list[dict[str, Any]], position: int, result: Any) -> None:
    lambda_svc._send_ddb_stream_failure_record(
        mapping, function, batch, mapping["EventSourceArn"], result, "RetryAttemptsExhausted"
    )
    _shards[mapping["UUID"]] = _Shard()
    _advance(mapping, position + len(batch))


def _advance(mapping: dict[str, Any], position: int) -> None:
    with lambda_svc._dynamodb_stream_positions_lock:
        lambda_svc._dynamodb_stream_positions[mapping["UUID"]] = position


def drain(seconds: float) -> bool:
    """Wait, `seconds` at most, until no batch is being processed; false if one still is."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not lambda_svc._esm_inflight:
            return True
        time.sleep(0.02)
    return False
