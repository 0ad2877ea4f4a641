"""A function of a test may use the tables that it is deployed with (`infra.needs`), and call what its package has a model of, as on AWS.

A request to DynamoDB belongs to the function whose code is nearest on the stack, also where another thread reads for it; a service that a
test calls by itself belongs to none.
"""

from functools import cache
from pathlib import Path
from typing import Any

import botocore

from infra.bundling_models import SERVICES, is_named, words_of_callers
from infra.names import TABLES
from infra.needs import FUNCTIONS
from shared.core import aws
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


def check_operations() -> None:
    """Make a call of an operation that the package's models lack an AssertionError, for every client from now on."""
    _words()  # a quarter of a second, here and not in the midst of a call that must answer in time
    aws.session().register("provide-client-params", _check_operation, unique_id="operations")


def _check_operation(model: Any, **_: Any) -> None:
    service = model.service_model.service_name
    assert service in SERVICES, f"the package has no data of {service} (infra/bundling_models.py)"
    of_a_test = model.name == "Scan" and made_by() is None  # it may look at everything that was written; a function never does
    assert of_a_test or is_named(model.name, _words()), (
        f"no source names {service}'s {model.name}: the package leaves it out (infra/bundling_models.py)"
    )


@cache
def _words() -> set[str]:
    """The words of the code that may call AWS, ours in this checkout and the libraries' where they are installed."""
    roots = {Path(__file__).parents[1], Path(str(botocore.__file__)).parents[1]}
    return set().union(*(words_of_callers(root) for root in roots))


def _tables(params: dict[str, Any]) -> set[str]:
    """The tables that a request names, also those of the parts of a transaction or a batch."""
    if "TableName" in params:
        return {params["TableName"]}
    parts = [about for part in params.get("TransactItems", ()) for about in part.values()]
    return {about["TableName"] for about in parts} | set(params.get("RequestItems", ()))
