"""The monthly close of 10,000 workspaces, simulated: trips, write units and CPU for each.

The real job (`billing.monthly_close.close`, in calls of 40 seconds as the clock makes them) with botocore below it; what answers is a
table in this process, put in place of the network (`bench.replaying.answer_everything`). It keeps what is written and applies updates,
but evaluates no condition: whether the job is right under races and deaths is for tests/properties/test_billing_close.py. What came
out is added up in the end: every invoice once, every sum the ledger's, every organization's numbers 1, 2, ...
"""

import bisect
import json
import math
import os
import re
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from bench.trips import write_units

WORKSPACES = 10_000
DAYS, AGENTS = 20, 3
PRICE = 250_001  # of each agent's call, one a day: a sum that must be rounded
TRIP_MS = 5.0  # of a call to DynamoDB from a function in the same region; measured nowhere here
SECONDS = 40.0
_NAME, _VALUE = re.compile(r"#\w+"), re.compile(r":\w+")
Row = dict[str, dict[str, Any]]


@dataclass
class Table:
    """Rows by key, and the index of what is due, in order."""

    rows: dict[tuple[str, str], Row] = field(default_factory=dict)
    due: dict[str, list[tuple[str, str, str]]] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    trips: Counter[str] = field(default_factory=Counter)
    written: float = 0.0
    usage: dict[str, bytes] = field(default_factory=dict)

    def put(self, row: Row, *, in_transaction: bool = False) -> None:
        """Write a row, and count what that costs."""
        key = row["PK"]["S"], row["SK"]["S"]
        old = self.rows.get(key, {})
        if "GSI1PK" in old:
            self.due[old["GSI1PK"]["S"]].remove((old["GSI1SK"]["S"], *key))
        if "GSI1PK" in row:
            bisect.insort(self.due.setdefault(row["GSI1PK"]["S"], []), (row["GSI1SK"]["S"], *key))
        self.rows[key] = row
        self.written += write_units(old, row, in_transaction=in_transaction)

    def answer(self, operation: str, request: Any) -> bytes:
        self.trips[operation] += 1
        parameters = json.loads(request.body)
        handlers = {
            "Query": self._query,
            "GetItem": self._get_item,
            "BatchGetItem": self._batch,
            "TransactWriteItems": self._transact,
            "PutItem": self._put_item,
            "DeleteItem": self._delete_item,
        }
        response = handlers[operation](parameters)
        return response if isinstance(response, bytes) else json.dumps(response).encode()

    def _query(self, parameters: dict[str, Any]) -> Any:
        values = {name: value["S"] for name, value in parameters["ExpressionAttributeValues"].items()}
        if "IndexName" not in parameters:
            partition = values[":pk"].removeprefix("USG#WS#")
            dimension = values[":from"].partition("#")[0]
            return self.usage[dimension] if partition in self.used else {"Items": []}
        index = self.due.get(values[":pk"], [])
        start = parameters.get("ExclusiveStartKey")
        first = bisect.bisect_left(index, (values[":from"],))
        if start:
            first = max(first, bisect.bisect_right(index, (start["GSI1SK"]["S"], start["PK"]["S"], start["SK"]["S"])))
        page = [entry for entry in index[first : first + parameters["Limit"]] if entry[0] <= values[":to"]]
        items = [
            {"PK": {"S": pk}, "SK": {"S": sk}, "GSI1PK": {"S": values[":pk"]}, "GSI1SK": {"S": sort}, "kind": {"S": "BILLING"}}
            for sort, pk, sk in page
        ]
        return {"Items": items} | ({"LastEvaluatedKey": items[-1]} if len(items) == parameters["Limit"] else {})

    def _batch(self, parameters: dict[str, Any]) -> Any:
        ((name, request),) = parameters["RequestItems"].items()
        keys = [(key["PK"]["S"], key["SK"]["S"]) for key in request["Keys"]]
        return {"Responses": {name: [self.rows[key] for key in keys if key in self.rows]}, "UnprocessedKeys": {}}

    def _get_item(self, parameters: dict[str, Any]) -> Any:
        row = self.rows.get((parameters["Key"]["PK"]["S"], parameters["Key"]["SK"]["S"]))
        return {} if row is None else {"Item": row}

    def _delete_item(self, parameters: dict[str, Any]) -> Any:
        """Take out the position of a sweep, the only row that the job removes."""
        row = self.rows.pop((parameters["Key"]["PK"]["S"], parameters["Key"]["SK"]["S"]))
        self.written += write_units(row, {}, in_transaction=False)
        return {}

    def _put_item(self, parameters: dict[str, Any]) -> Any:
        self.put(parameters["Item"])
        return {}

    def _transact(self, parameters: dict[str, Any]) -> Any:
        for operation in parameters["TransactItems"]:
            ((action, arguments),) = operation.items()
            self.put(arguments["Item"] if action == "Put" else self._updated(arguments), in_transaction=True)
        return {}

    def _updated(self, arguments: dict[str, Any]) -> Row:
        row = dict(self.rows.get((arguments["Key"]["PK"]["S"], arguments["Key"]["SK"]["S"]), arguments["Key"]))
        names, values = arguments["ExpressionAttributeNames"], arguments["ExpressionAttributeValues"]
        for part in arguments["UpdateExpression"].removeprefix("SET ").split(","):
            row[names[_NAME.search(part)[0]]] = values[_VALUE.search(part)[0]]  # type: ignore[index]  # our own updates: `#0 = :0`
        return row


def _rollups(keys: list[str], calls: int) -> bytes:
    items = [
        {
            "PK": {"S": "USG"},
            "SK": {"S": key},
            "calls": {"N": str(calls)},
            "price_micros": {"N": str(PRICE * calls)},
            "name": {"S": "Product manager"},
        }
        for key in keys
    ]
    return json.dumps({"Items": items}).encode()


def _fill(table: Table) -> None:
    """Half of the workspaces used something; every tenth is on the pro plan; ten share an organization in every hundred."""
    from shared.core.actor import Actor
    from shared.core.ids import new_id
    from shared.money.billing.accounts import new_account
    from shared.people.tenancy.provisioning import new_workspace

    owner, org_id = Actor(id=new_id(), name="Ada", email="ada@example.com"), new_id()
    for number in range(WORKSPACES):
        if number % 100 >= 10 or number % 100 == 0:
            org_id = new_id()
        workspace, _ = new_workspace(owner, org_id, f"Workspace {number}", f"workspace-{number}")
        account = new_account(workspace)
        account.period, account.billed = "2026-11", {}
        if number % 10 == 0:
            account.plan = "professional"
        for row in (workspace, account):
            row.set_index_keys()
            table.put(row.serialize())
        if number % 2:
            table.used.add(workspace.id)


def _checked(table: Table) -> int:
    """How many invoices there are. Raises where one is wrong."""
    from shared.money.billing.rows import Invoice

    numbers: dict[str, list[int]] = {}
    invoices = [Invoice.decode(row) for (pk, _), row in table.rows.items() if pk.startswith("INVC#")]
    for invoice in invoices:
        used = PRICE * DAYS * AGENTS if invoice.ws_id in table.used else 0
        assert invoice.usage_micros == used, invoice.id
        assert sum(line["amount_micros"] for line in invoice.lines) == invoice.subtotal_micros, invoice.id
        numbers.setdefault(str(invoice.org_id), []).append(int(invoice.number[-6:]))
    assert all(sorted(series) == list(range(1, len(series) + 1)) for series in numbers.values())
    assert len(invoices) == WORKSPACES // 2 + WORKSPACES // 10  # those with usage have odd numbers, those on pro even ones
    return len(invoices)


def measure() -> list[dict[str, Any]]:
    from bench.replaying import answer_everything

    os.environ |= {
        "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_DEFAULT_REGION": "us-east-1", "CADRE_CORE_TABLE": "core",
        "CADRE_EPHEMERAL_TABLE": "ephemeral",
    }  # fmt: skip
    import time_machine

    from shared.money.billing.monthly_close import close_periods

    days = [f"TOTAL#2026-11-{day + 1:02d}#" for day in range(DAYS)]
    agents = [f"AGENT-M#2026-11#agent-{number}" for number in range(AGENTS)]
    table = Table(usage={"TOTAL": _rollups(days, AGENTS), "AGENT-M": _rollups(agents, DAYS)})
    with time_machine.travel("2026-12-01T02:00:00+00:00", tick=True):
        _fill(table)
        table.written = 0.0
        answer_everything(table.answer)
        started, calls, done = time.process_time(), 0, 0
        while closed := close_periods(time.monotonic() + SECONDS):
            calls, done = calls + 1, done + closed
        spent = time.process_time() - started
    assert done == WORKSPACES
    trips = sum(table.trips.values())
    return [
        {
            "workspaces": WORKSPACES,
            "invoices": _checked(table),
            "trips": trips / WORKSPACES,
            "by": {name: count / WORKSPACES for name, count in sorted(table.trips.items())},
            "wcu": table.written / WORKSPACES,
            "cpu_ms": spent / WORKSPACES * 1e3,
            "minutes": (spent + trips * TRIP_MS / 1e3) / 60,
            "calls": math.ceil((spent + trips * TRIP_MS / 1e3) / SECONDS),
        }
    ]


if __name__ == "__main__":
    print(json.dumps(measure(), indent=1))
