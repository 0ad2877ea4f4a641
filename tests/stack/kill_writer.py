"""Writes numbered rows until it is refused, and says each one that was acknowledged: what `test_engine_kill` has written."""

import sys

import boto3
from botocore.config import Config

table = sys.argv[1]
client = boto3.client("dynamodb", config=Config(retries={"max_attempts": 0}))
number = 0
while True:
    number += 1
    pair = [{"Put": {"TableName": table, "Item": {"PK": {"S": f"{kind}{number}"}, "SK": {"S": "-"}}}} for kind in "ab"]
    client.transact_write_items(TransactItems=pair)
    print(number, flush=True)
