"""The DynamoDB client of the process, whose calls are short (`calls`).

botocore parses a response by walking the service model over every attribute value: 4.6 ms for a page of 100 rows of 70 kB.
`json.loads` needs 0.4 ms, and the result is the same nested `{"S": ...}` dictionaries (we store no binary attributes). It writes a request
in the same way. PynamoDB would build one client for each model class (40 ms each); all our models share this one.
"""

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from botocore.config import Config
from botocore.exceptions import ClientError

from shared.core.aws import client
from shared.core.backoff import pause
from shared.store.calls import RowClient
from shared.store.request_scope import ensure_not_over, open_decision


def dynamodb() -> Any:
    """Return the low-level client, if the current request may go on. Raises as `ensure_authorized` does."""
    ensure_authorized()
    return the_client()


def ensure_authorized() -> None:
    """Make sure that the current request may go on (`request_scope`): decide it, if that is still open. One round trip, or none. Raises the
    refusal, and RequestOver where nobody waits any more."""
    ensure_not_over()
    waiting = open_decision()
    if waiting is not None:
        table, pk, sk = waiting.key
        answer = the_client().get_item(TableName=table, Key={"PK": {"S": pk}, "SK": {"S": sk}}, ConsistentRead=True)
        waiting.take(answer.get("Item"))


@cache
def the_client() -> Any:
    """Return the client, created once, whatever is decided. Its timeouts are short (2 s to connect, 10 s to read), because waiting
    costs money on Lambda."""
    config = Config(
        connect_timeout=2,
        read_timeout=10,
        retries={"mode": "standard", "total_max_attempts": 4},
        tcp_keepalive=True,
        parameter_validation=False,
    )
    return client("dynamodb", config=config, base=RowClient)


_MAX_PAUSES = 8  # in a row without anything done: about one second on average


def batches(call: Callable[..., dict[str, Any]], requests: dict[str, Any], unprocessed: str) -> Iterator[dict[str, Any]]:
    """Yield the responses of a batch call until all requests are done. DynamoDB returns requests that exceed its capacity under
    `unprocessed`; they are sent again after a pause.

    Raises the ClientError of an exceeded capacity if nothing is done _MAX_PAUSES times in a row.
    """
    pauses = 0
    while requests:
        response = call(RequestItems=requests)
        yield response
        before, requests = requests, response.get(unprocessed) or {}
        if requests:
            pauses = 0 if _number(requests) < _number(before) else pauses + 1
            if pauses > _MAX_PAUSES:
                raise ClientError(
                    {"Error": {"Code": "ProvisionedThroughputExceededException", "Message": "Nothing is done"}}, "Batch"
                )
            pause(pauses, base=0.02, cap=1.0)


def _number(requests: dict[str, Any]) -> int:
    """Return how many rows a batch asks for: the keys to read of each table, or its writes."""
    return sum(len(one["Keys"] if isinstance(one, dict) else one) for one in requests.values())
