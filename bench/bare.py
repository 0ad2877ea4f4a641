"""The baseline of all comparisons: a handler with a boto3 client and `json`, no validation, no framework, the same tables."""

import json
import os
from typing import Any

import boto3

client = boto3.client("dynamodb")
TABLE = os.environ.get("CADRE_CORE_TABLE", "core")


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {key: next(iter(value.values())) for key, value in row.items()}


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001 - Lambda's signature
    """Get one row, get a list or post one row, depending on method and path."""
    if event["httpMethod"] == "POST":
        body = json.loads(event["body"])
        client.put_item(
            TableName=TABLE, Item={key: {"S": str(value)} for key, value in body.items()} | {"PK": {"S": "x"}, "SK": {"S": "y"}}
        )
        return {"statusCode": 201, "headers": {"Content-Type": "application/json"}, "body": json.dumps(body)}
    if event["path"].endswith("/list"):
        rows = client.query(TableName=TABLE, KeyConditionExpression="PK = :pk", ExpressionAttributeValues={":pk": {"S": "x"}})[
            "Items"
        ]
        return {
            "statusCode": 200,
            "headers": {"Content-Type": "application/json"},
            "body": json.dumps([_plain(row) for row in rows]),
        }
    row = client.get_item(TableName=TABLE, Key={"PK": {"S": "x"}, "SK": {"S": "y"}}).get("Item", {})
    return {"statusCode": 200, "headers": {"Content-Type": "application/json"}, "body": json.dumps(_plain(row))}
