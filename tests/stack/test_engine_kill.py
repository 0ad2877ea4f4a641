"""An engine that is killed at full load, and what is there after its next start."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from local.engine import ROOT, Engine
from tests.shell import shell
from tests.waiting import eventually

TABLE = "numbers"
KEYS = [("PK", "HASH"), ("SK", "RANGE")]


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = Engine(tmp_path / "data")
    engine.start()
    yield engine
    engine.stop()


def create(engine: Engine, name: str = TABLE) -> None:
    engine.client("dynamodb").create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind in KEYS],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key, _ in KEYS],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )


def kill(engine: Engine) -> None:
    assert engine._process is not None
    os.killpg(engine._process.pid, signal.SIGKILL)
    engine._process.wait()


def rows(engine: Engine, name: str = TABLE) -> dict[str, dict[str, Any]]:
    pages = engine.client("dynamodb").get_paginator("scan").paginate(TableName=name)
    return {item["PK"]["S"]: item for page in pages for item in page["Items"]}


def put(engine: Engine, key: str, **more: Any) -> None:
    engine.client("dynamodb").put_item(TableName=TABLE, Item={"PK": {"S": key}, "SK": {"S": "-"}, **more})


def snapshots(engine: Engine) -> int:
    try:
        return os.stat(engine.data / "state" / "dynamodb.json").st_mtime_ns
    except FileNotFoundError:
        return 0


def snapshot(engine: Engine) -> None:
    before = snapshots(engine)
    engine.save()
    eventually(lambda: snapshots(engine) > before)


def test_a_kill_at_full_load_loses_no_acknowledged_write(engine: Engine) -> None:
    """Snapshots are written meanwhile, and each of them is whole."""
    create(engine)
    writer = subprocess.Popen(  # noqa: S603 - our own
        [sys.executable, "-m", "tests.stack.kill_writer", TABLE],
        cwd=ROOT, env=shell(AWS_SHARED_CREDENTIALS_FILE=str(engine.credentials)), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        assert writer.stdout is not None
        for _ in range(3):
            acknowledged = [int(writer.stdout.readline()) for _ in range(40)]
            snapshot(engine)
            state = json.loads((engine.data / "state" / "dynamodb.json").read_text())["payload"]
            (saved,) = state["tables"]["data"].values()
            assert_pairs(saved["items"])
        kill(engine)
        acknowledged += map(int, writer.stdout.read().split())
    finally:
        writer.kill()
        writer.communicate()
    engine.start()
    found = rows(engine)
    assert {f"{kind}{number}" for kind in "ab" for number in range(1, acknowledged[-1] + 1)} <= set(found)
    assert_pairs(found)


def assert_pairs(keys: Iterable[str]) -> None:
    """Transactions are whole: each wrote an `a` and a `b`."""
    assert {key[1:] for key in keys if key[0] == "a"} == {key[1:] for key in keys if key[0] == "b"}


def test_changes_removals_and_stream_records_come_back(engine: Engine) -> None:
    create(engine)
    put(engine, "kept")
    put(engine, "gone")
    snapshot(engine)
    put(engine, "kept", what={"B": b"\x00\xff"})
    put(engine, "new")
    engine.client("dynamodb").delete_item(TableName=TABLE, Key={"PK": {"S": "gone"}, "SK": {"S": "-"}})
    engine.client("dynamodb").update_item(
        TableName=TABLE,
        Key={"PK": {"S": "new"}, "SK": {"S": "-"}},
        UpdateExpression="ADD n :n",
        ExpressionAttributeValues={":n": {"N": "2"}},
    )
    kill(engine)
    engine.start()
    found = rows(engine)
    assert set(found) == {"kept", "new"}
    assert (found["kept"]["what"]["B"], found["new"]["n"]["N"]) == (b"\x00\xff", "2")
    streams = engine.client("dynamodbstreams")
    (stream,) = streams.list_streams(TableName=TABLE)["Streams"]
    (shard,) = streams.describe_stream(StreamArn=stream["StreamArn"])["StreamDescription"]["Shards"]
    at = streams.get_shard_iterator(StreamArn=stream["StreamArn"], ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON")
    seen = [
        (record["eventName"], record["dynamodb"]["Keys"]["PK"]["S"])
        for record in streams.get_records(ShardIterator=at["ShardIterator"])["Records"]
    ]
    assert seen[-4:] == [("MODIFY", "kept"), ("INSERT", "new"), ("REMOVE", "gone"), ("MODIFY", "new")]


def test_a_torn_last_line_is_left_out_and_a_second_kill_loses_nothing(engine: Engine) -> None:
    """No snapshot was written at all: the table itself is in the journal."""
    create(engine)
    put(engine, "first")
    kill(engine)
    (journal,) = (engine.data / "state").glob("*.journal")
    with journal.open("ab") as file:
        file.write(b'[["000000000000", "us-east-1", "numb')
    engine.start()
    put(engine, "second")
    kill(engine)
    engine.start()
    assert set(rows(engine)) == {"first", "second"}


def test_a_saved_state_ends_the_journal_before_it(engine: Engine) -> None:
    create(engine)
    for name in ("one", "two"):
        put(engine, name)
        snapshot(engine)
    eventually(lambda: not list((engine.data / "state").glob("*.journal")))
