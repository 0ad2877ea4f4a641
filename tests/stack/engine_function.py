"""The function behind `test_engine.py`: it runs inside the engine, deployed as inline code."""

import json
import os
import signal
import time
from typing import Any

import boto3

STARTED = time.time()


class BudgetExceeded(Exception):
    """An exception of our own, for a state machine to catch by name."""


def client(service: str) -> Any:
    endpoint = {"endpoint_url": os.environ["SOCKETS"]} if service == "apigatewaymanagementapi" else {}
    return boto3.client(service, **endpoint)


def note(about: str, **what: Any) -> None:
    key = f"{time.time():.9f}{os.urandom(3).hex()}"
    item = {"PK": {"S": about}, "SK": {"S": key}, "what": {"S": json.dumps(what)}}
    client("dynamodb").put_item(TableName=os.environ["NOTES"], Item=item)


def handler(event: dict[str, Any], _context: Any) -> Any:
    if "Records" in event:
        failed = [each for each in map(record, event["Records"]) if each]
        return {"batchItemFailures": [{"itemIdentifier": each} for each in failed]}
    if "connectionId" in event.get("requestContext", {}):
        return socket(event)
    if event.get("httpMethod"):
        return rest(event)
    if event.get("token"):
        note("token", token=event["token"])
    if event.get("raise"):
        raise BudgetExceeded("spent")
    if event.get("die"):
        os.kill(os.getpid(), signal.SIGKILL)
    if event.get("deep"):
        return [os.getpid(), *nested(event["deep"] - 1)]
    return [os.getpid()] if "deep" in event else {"pid": os.getpid(), "started": STARTED}


def nested(deep: int) -> list[int]:
    """The processes of a call that this function makes to itself."""
    name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
    answer = client("lambda").invoke(FunctionName=name, Payload=json.dumps({"deep": deep}))
    found: list[int] = json.load(answer["Payload"])
    return found


def record(each: dict[str, Any]) -> str | None:
    """Note a record; answers what failed: the number of a poisoned item, the id of a message that fails the first time."""
    if "dynamodb" in each:
        key = each["dynamodb"]["Keys"]["PK"]["S"]
        note("stream", key=key, kind=each["eventName"], by=(each.get("userIdentity") or {}).get("principalId"))
        return each["dynamodb"]["SequenceNumber"] if key.startswith("poison") else None
    body, times = json.loads(each["body"]), each["attributes"]["ApproximateReceiveCount"]
    if body.get("fail") and times == "1":
        return each["messageId"]
    note("queue", lag=time.time() - body["at"], times=times)
    return None


def rest(event: dict[str, Any]) -> dict[str, Any]:
    if event["path"] == "/boom":
        raise BudgetExceeded("spent")
    if event["path"] == "/bytes":
        return {"statusCode": 200, "headers": {"Content-Type": "image/png"}, "body": "AAECAw==", "isBase64Encoded": True}
    shown = ("path", "stageVariables", "pathParameters", "multiValueQueryStringParameters")
    return {"statusCode": 200, "body": json.dumps({name: event[name] for name in shown})}


def socket(event: dict[str, Any]) -> dict[str, Any]:
    context = event["requestContext"]
    if context["eventType"] == "CONNECT":
        return {"statusCode": 401 if (event["queryStringParameters"] or {}).get("token") == "bad" else 200}
    if event.get("body") == "boom":
        raise ValueError("x")
    if context["eventType"] == "MESSAGE":
        client("apigatewaymanagementapi").post_to_connection(ConnectionId=context["connectionId"], Data=event["body"].encode())
    return {"statusCode": 200, "body": "never seen"}
