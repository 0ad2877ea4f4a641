"""Calls to moto's DynamoDB, what they answered and how many functions that took: `python -m tests.unit.moto_scenario` as moto is, with
`fast` as the tests use it."""

import io
import json
import os
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from itertools import count
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from moto import mock_aws

from tests.moto_speed import speed_up
from tests.tables import create_table

Answer = Callable[..., Any]


def row(pk: str, sk: str, **more: Any) -> dict[str, Any]:
    return {"PK": {"S": pk}, "SK": {"S": sk}} | more


def key(pk: str, sk: str) -> dict[str, Any]:
    return {"Key": row(pk, sk)}


def play(call: Answer) -> None:
    """Every kind of call that the store makes, with what it answers and what it refuses."""
    nested = {"M": {"a": {"L": [{"S": "x"}, {"N": "1.50"}, {"NULL": True}]}, "b": {"BOOL": False}}}
    kinds = {"n": {"N": "-7"}, "ss": {"SS": ["a", "b"]}, "ns": {"NS": ["1", "2"]}, "bin": {"B": b"\x00\xff"}, "m": nested}
    for number in range(30):
        index = {"GSI1PK": {"S": f"g{number % 2}"}, "GSI1SK": {"S": f"{number // 4:02}"}, "f": {"S": f"f{number}"}}
        call("put_item", Item=row("A", f"{number:02}", **index, **kinds))
    call("put_item", Item=row("B", "1"), ConditionExpression="attribute_not_exists(PK)")
    call(
        "put_item",
        Item=row("B", "1"),
        ConditionExpression="attribute_not_exists(PK)",
        ReturnValuesOnConditionCheckFailure="ALL_OLD",
    )
    call("put_item", Item=row("B", "2", text={"S": "x" * 410_000}))
    call("put_item", Item={"PK": {"S": "B"}})
    _reads(call)
    _updates(call)
    _transactions(call)
    call("delete_item", **key("B", "1"), ConditionExpression="attribute_exists(PK)", ReturnValues="ALL_OLD")
    call("delete_item", **key("B", "1"), ConditionExpression="attribute_exists(PK)")
    call("batch_write_item", RequestItems={"core": [{"PutRequest": {"Item": row("E", str(n))}} for n in range(3)]})
    call("batch_write_item", RequestItems={"core": [{"DeleteRequest": key("E", "1")}]})
    call("scan")
    call("get_item", TableName="missing", **key("A", "01"))


def _reads(call: Answer) -> None:
    call("get_item", **key("A", "01"), ConsistentRead=True)
    call("get_item", **key("A", "nothing"))
    call("get_item", **key("A", "01"), ProjectionExpression="SK, #m.b", ExpressionAttributeNames={"#m": "m"})
    call(
        "batch_get_item",
        RequestItems={"core": {"Keys": [row("A", "01"), row("A", "02"), row("Z", "0")], "ProjectionExpression": "SK"}},
    )
    call("transact_get_items", TransactItems=[{"Get": {"TableName": "core", **key("A", "01")}}])
    of, values = "PK = :p", {":p": {"S": "A"}}
    call("query", KeyConditionExpression=of, ExpressionAttributeValues=values)
    call("query", KeyConditionExpression=of, ExpressionAttributeValues=values, ScanIndexForward=False, Limit=4)
    call("query", KeyConditionExpression=of, ExpressionAttributeValues=values, ExclusiveStartKey=row("A", "27"))
    call("query", KeyConditionExpression=f"{of} AND begins_with(SK, :s)", ExpressionAttributeValues=values | {":s": {"S": "1"}})
    between = values | {":a": {"S": "05"}, ":b": {"S": "07"}}
    call(
        "query",
        KeyConditionExpression=f"{of} AND SK BETWEEN :a AND :b",
        ExpressionAttributeValues=between,
        ProjectionExpression="SK, f",
    )
    call(
        "query", KeyConditionExpression=of, FilterExpression="n < :z AND contains(ss, :a) AND size(f) > :one",
        ExpressionAttributeValues=values | {":z": {"N": "0"}, ":a": {"S": "a"}, ":one": {"N": "2"}},
    )  # fmt: skip
    call("query", KeyConditionExpression=of, ExpressionAttributeValues=values, Select="COUNT")
    call("query", KeyConditionExpression=of, ExpressionAttributeValues={":p": {"S": "nobody"}})
    index = {"IndexName": "GSI1", "ExpressionAttributeValues": {":p": {"S": "g1"}}}
    call("query", KeyConditionExpression="GSI1PK = :p", **index)
    page = call("query", KeyConditionExpression="GSI1PK = :p", Limit=5, ScanIndexForward=False, **index)
    call(
        "query", KeyConditionExpression="GSI1PK = :p", ExclusiveStartKey=page["LastEvaluatedKey"], ScanIndexForward=False, **index
    )
    after = index | {"ExpressionAttributeValues": {":p": {"S": "g1"}, ":s": {"S": "03"}}}
    call("query", KeyConditionExpression="GSI1PK = :p AND GSI1SK > :s", **after)
    for forward in (True, False):  # page by page, with and without a range: a last page that is full says that there are more
        for condition, given in (("GSI1PK = :p", index), ("GSI1PK = :p AND GSI1SK > :s", after)):
            start: Any = {}
            while start is not None:
                page = call("query", KeyConditionExpression=condition, ScanIndexForward=forward, Limit=5, **given, **start)
                start = {"ExclusiveStartKey": page["LastEvaluatedKey"]} if "LastEvaluatedKey" in page else None
        gone = row("A", "11", GSI1PK={"S": "g1"}, GSI1SK={"S": "02x"})  # a key that no row has: it may be deleted by now
        call("query", KeyConditionExpression="GSI1PK = :p", ScanIndexForward=forward, ExclusiveStartKey=gone, **index)
        call("query", KeyConditionExpression=of, ExpressionAttributeValues=values, Limit=30, ScanIndexForward=forward)
        call("query", KeyConditionExpression=of, ExpressionAttributeValues=values, ExclusiveStartKey=row("A", "05x"),
             ScanIndexForward=forward, Limit=3)  # fmt: skip
    call("query", KeyConditionExpression="GSI1PK = :p", IndexName="none", ExpressionAttributeValues={":p": {"S": "g1"}})
    for number in range(5):
        call("put_item", Item=row("L", str(number), text={"S": "x" * 300_000}))
    large = call("query", KeyConditionExpression=of, ExpressionAttributeValues={":p": {"S": "L"}}, ProjectionExpression="SK")
    call(
        "query",
        KeyConditionExpression=of,
        ExpressionAttributeValues={":p": {"S": "L"}},
        ExclusiveStartKey=large["LastEvaluatedKey"],
    )


def _updates(call: Answer) -> None:
    def update(pk: str, sk: str, expression: str, values: Any = None, **more: Any) -> None:
        call(
            "update_item",
            **key(pk, sk),
            UpdateExpression=expression,
            **({"ExpressionAttributeValues": values} if values else {}),
            **more,
        )

    one = {":one": {"N": "1"}}
    update("C", "1", "SET a = if_not_exists(a, :one) + :one ADD hits :one", one, ReturnValues="ALL_NEW")
    update("C", "1", "SET a = a + :one, #l = list_append(:l, :l) ADD hits :one", one | {":l": {"L": [{"S": "x"}]}},
           ExpressionAttributeNames={"#l": "list"}, ReturnValues="UPDATED_NEW")  # fmt: skip
    update("C", "1", "SET a = a + :one ADD tags :t", one | {":t": {"SS": ["q"]}}, ReturnValues="UPDATED_OLD")
    update("C", "1", "REMOVE hits DELETE tags :t", {":t": {"SS": ["q"]}}, ReturnValues="ALL_OLD")
    update("C", "1", "SET m = :m", {":m": {"M": {"a": {"N": "1"}}}}, ReturnValues="ALL_NEW")
    update("C", "1", "SET m.a = :m, m.b = :m", {":m": {"S": "new"}}, ReturnValues="ALL_NEW")
    update("C", "1", "SET m.a = :m", {":m": {"S": "newer"}}, ReturnValues="ALL_OLD")
    update("C", "1", "SET m.b = m.a, #m.c = if_not_exists(m.c, :m)", {":m": {"S": "newest"}}, ReturnValues="UPDATED_OLD",
           ExpressionAttributeNames={"#m": "m"})  # fmt: skip
    update("C", "1", "SET x.y = :m", {":m": {"S": "no such path"}})
    update("C", "1", "SET PK = :m", {":m": {"S": "a key"}})
    update("C", "1", "SET a = :m, a = :m", {":m": {"S": "twice"}})
    update("C", "1", "SET a = :m SET b = :m", {":m": {"S": "two clauses"}})
    update("C", "1", "ADD list :one", one)
    condition = "a = :x OR (attribute_exists(m) AND NOT a IN (:x, :one))"
    update("C", "1", "SET z = :one", one | {":x": {"N": "9"}}, ConditionExpression=condition, ReturnValues="ALL_NEW")
    update("C", "1", "SET z = :one", one, ConditionExpression="a > :one AND attribute_not_exists(m)",
           ReturnValuesOnConditionCheckFailure="ALL_OLD")  # fmt: skip
    for value in ("2", "-3.5", "text"):  # the same words with other values
        given = {":v": {"S": value} if value == "text" else {"N": value}}
        update("C", "3", "SET a = if_not_exists(a, :v) - :v, b = :v ADD hits :v", given, ReturnValues="ALL_NEW")
        update("C", "3", "SET c = :v", given, ConditionExpression="attribute_not_exists(c) OR c = :v",
               ReturnValuesOnConditionCheckFailure="ALL_OLD", ReturnValues="ALL_OLD")  # fmt: skip
    for number in range(3):  # members of maps, which the second time are not moto's own way
        more = {":v": {"N": str(number)}, ":s": {"S": f"s{number}"}, ":t": {"SS": [f"t{number}"]}, ":e": {"M": {}}}
        one_of = {"#m": "m", "#a": f"a{number % 2}", "#b": "b"}
        update("C", "5", "SET #m = if_not_exists(#m, :e)", {":e": more[":e"]}, ExpressionAttributeNames={"#m": "m"})
        update("C", "5", "SET #m.#a = if_not_exists(#m.#a, :v), #m.#b = :s", {k: more[k] for k in (":v", ":s")},
               ExpressionAttributeNames=one_of, ReturnValues="ALL_OLD")  # fmt: skip
        update("C", "5", "SET #m.#a = #m.#a + :v, total = #m.#a - :v", {":v": more[":v"]}, ReturnValues="ALL_NEW",
               ExpressionAttributeNames={"#m": "m", "#a": "a0"})  # fmt: skip
        update("C", "5", "ADD m.tags :t, m.hits :v", {k: more[k] for k in (":v", ":t")}, ReturnValues="ALL_NEW")
        update("C", "5", "DELETE m.tags :t SET total = m.hits", {":t": {"SS": [f"t{number // 2}"]}}, ReturnValues="ALL_NEW")
        update("C", "5", "REMOVE m.b SET m.c = m.b", ReturnValues="ALL_NEW")
        update("C", "5", "SET m.none = m.nothing", ReturnValues="ALL_NEW")
        update("C", "5", "SET total.a = :v", {":v": more[":v"]})
        update("C", "5", "SET m.b = :s, m.l = :l, m.l[0] = :s", {":s": more[":s"], ":l": {"L": []}})
        update("C", "6", "SET m.a = :v", {":v": more[":v"]})
    for kind, members in (("SS", ["a", "b"]), ("SS", ["b", "c"]), ("NS", ["1"]), ("SS", ["a", "b", "c"])):
        update("C", "3", "ADD tags :t REMOVE b", {":t": {kind: members}}, ReturnValues="ALL_NEW")
        update("C", "3", "DELETE tags :t", {":t": {kind: members[1:] or members}}, ReturnValues="ALL_NEW")
    for text in ("s", "x" * 300_000, "y" * 300_000):
        update("C", "4", "SET t = :t, GSI1PK = :t REMOVE u", {":t": {"S": text}}, ReturnValues="ALL_OLD")
        update("C", "4", "SET u = :t", {":t": {"S": text}}, ReturnValues="ALL_OLD")
    for text in ("PK", "SK", "f", "t"):
        update("C", "4", "SET #n = :t", {":t": {"S": "z"}}, ExpressionAttributeNames={"#n": text})
    for value in ({"N": "1"}, {"S": ""}, {"S": "g"}):
        update("C", "4", "SET GSI1PK = :t", {":t": value}, ReturnValues="ALL_NEW")
    update("C", "4", "SET t = a.b", ReturnValues="ALL_NEW")
    update("C", "4", "SET v = t, w = nothing", ReturnValues="ALL_NEW")
    update("C", "4", "SET v = t", ReturnValues="ALL_NEW")
    call("get_item", **key("C", "1"))


def _transactions(call: Answer) -> None:
    def write(*items: Any) -> None:
        call("transact_write_items", TransactItems=[{kind: {"TableName": "core", **about}} for kind, about in items])

    change = {"UpdateExpression": "SET n = :n", "ExpressionAttributeValues": {":n": {"N": "1"}}}
    exists = {"ConditionExpression": "attribute_exists(PK)", "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
    write(("Put", {"Item": row("D", "1", a={"S": "x"})}), ("Update", {**key("D", "2"), **change}), ("Delete", key("A", "29")))
    write(("Put", {"Item": row("D", "1", a={"S": "y"})}), ("Put", {"Item": row("D", "new")}), ("Update", {**key("D", "2"), **change}),
          ("Delete", key("A", "28")), ("ConditionCheck", {**key("D", "none"), **exists}))  # fmt: skip
    write(("Put", {"Item": row("D", "1")}), ("Update", {**key("D", "1"), **change}))
    write(
        ("Update", {**key("D", "1"), **change, "ConditionExpression": "a = :n", "ReturnValuesOnConditionCheckFailure": "ALL_OLD"})
    )
    call("query", KeyConditionExpression="PK = :p", ExpressionAttributeValues={":p": {"S": "D"}})
    call("get_item", **key("A", "28"))
    for first in ("0", "1"):  # the same words with other values
        write(*[("Update", {**key("D", sk), **change, "ConditionExpression": "attribute_not_exists(n) OR n = :is",
                            "ExpressionAttributeValues": {":n": {"N": "1"}, ":is": {"N": value}},
                            "ReturnValuesOnConditionCheckFailure": "ALL_OLD"})
                for sk, value in (("2", first), ("3", "1"))])  # fmt: skip
    call("query", KeyConditionExpression="PK = :p", ExpressionAttributeValues={":p": {"S": "D"}})


def main(fast: bool) -> None:
    """Print one line of JSON for each call."""
    os.environ |= {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_DEFAULT_REGION": "us-east-1"}
    if fast:
        speed_up()
    with mock_aws():
        client = boto3.client("dynamodb", config=Config(retries={"total_max_attempts": 1}))
        create_table(client, "core", 4)

        def call(name: str, **about: Any) -> Any:
            whole = about if "RequestItems" in about or "TransactItems" in about else {"TableName": "core"} | about
            try:
                answer = getattr(client, name)(**whole)
            except ClientError as error:
                answer = error.response
            del answer["ResponseMetadata"]
            answer.pop("ConsumedCapacity", None)  # 3 for some, 3.0 for others
            print(name, json.dumps(answer, sort_keys=True, default=repr))
            return answer

        play(call)
        play(call)  # what the tests' moto has seen before takes another way
        print(functions_called(lambda: play(lambda name, **about: _silently(call, name, about))))


def functions_called(work: Callable[[], None]) -> int:
    """How many calls of functions something takes."""
    number = count()

    def note(_frame: Any, event: str, _argument: Any) -> None:
        if event == "call":
            next(number)

    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(None)
    return next(number)


def _silently(call: Answer, name: str, about: dict[str, Any]) -> Any:
    with redirect_stdout(io.StringIO()):
        return call(name, **about)


if __name__ == "__main__":
    main("fast" in sys.argv)
