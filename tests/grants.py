"""A function of a test may use the tables that it is deployed with (`infra.needs`) and no others, as on AWS.

A request to DynamoDB belongs to the function whose code is nearest on the stack, also where another thread reads for it; a service that a
test calls by itself belongs to none.
"""

from typing import Any

from infra.names import TABLES
from infra.needs import FUNCTIONS
from shared.store.client import dynamodb
from tests import kills
from tests.beside import follow_reads, made_by

_EVENT = "provide-client-params.dynamodb.*"


def check_tables() -> None:
    """Make a request to a table that its function lacks an AssertionError, for the client of now: tests on an engine have another."""
    follow_reads()
    dynamodb().meta.events.register(_EVENT, _check, unique_id="grants")  # once, however often it is asked for


def _check(params: dict[str, Any], model: Any, **_: Any) -> None:
    name = made_by()
    if name not in FUNCTIONS:
        return
    for table in _tables(params) & set(TABLES):
        access = getattr(FUNCTIONS[name], table)
        allowed = access == "write" or (access == "read" and model.name in kills.READS)
        assert allowed, f"{name} may not {model.name} in {table} where it is deployed (infra/needs.py: {access})"


def _tables(params: dict[str, Any]) -> set[str]:
    """The tables that a request names, also those of the parts of a transaction or a batch."""
    if "TableName" in params:
        return {params["TableName"]}
    parts = [about for part in params.get("TransactItems", ()) for about in part.values()]
    return {about["TableName"] for about in parts} | set(params.get("RequestItems", ()))
