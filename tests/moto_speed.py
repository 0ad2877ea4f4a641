"""moto's DynamoDB without its detours: the same answers in a fraction of the time.

moto copies the whole table for each operation of a transaction, sorts the whole table for each query, measures each row once per
attribute, copies each row that it updates three times, and turns requests and answers through several forms. Here it touches the rows
that it is asked for, reads and writes JSON as it is, and reads an expression once (`tests/moto_expressions.py`). botocore signs what
nobody checks, makes an HTTP request that nobody sends, and resolves the same endpoint for each call. Calls come one at a time, so that
a transaction is one for other threads too, as it is on DynamoDB. `tests/unit/test_moto_speed.py` compares the answers with moto's own.
"""

import base64
import copy
import json
import re
import threading
from bisect import bisect_left, bisect_right
from functools import cache, cached_property, partial
from itertools import count
from types import SimpleNamespace
from typing import Any

import botocore.endpoint
import moto.core.responses
import moto.dynamodb.models
import moto.dynamodb.models.table
import moto.dynamodb.responses
import moto.sqs.models
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSPreparedRequest, AWSRequest
from botocore.endpoint import Endpoint
from botocore.regions import EndpointRulesetResolver
from moto.core import DEFAULT_ACCOUNT_ID
from moto.core.botocore_stubber import BotocoreStubber
from moto.core.responses import ActionResult, camelcase_to_underscores, method_names_from_class
from moto.dynamodb.comparisons import ConditionExpressionParser
from moto.dynamodb.exceptions import ConditionalCheckFailed, ItemSizeTooLarge
from moto.dynamodb.models import DynamoDBBackend, dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType, Item, LimitedSizeDict
from moto.dynamodb.models.table import RESULT_SIZE_LIMIT, Table
from moto.dynamodb.models.utilities import dynamo_to_dict
from moto.dynamodb.parsing.expressions import UpdateExpressionParser
from moto.dynamodb.responses import DynamoHandler, DynamoResult

from tests.moto_expressions import changes, parse_condition, parse_update

ROWS = {
    "GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "Scan",
    "BatchGetItem", "BatchWriteItem", "TransactGetItems", "TransactWriteItems",
}  # fmt: skip
"""The operations whose answers are rows as they go over the wire."""
ROW_BYTES = 405_000
"""Where moto, too, ends a row (DynamoDB: 400 KB)."""

_AT_MOTO = re.compile(r"https://dynamodb\.([a-z0-9-]+)\.amazonaws\.com")

_add_auth, _endpoint = SigV4Auth.add_auth, EndpointRulesetResolver.construct_endpoint
_prepare, _needs_retry = Endpoint.prepare_request, Endpoint._needs_retry
_process, _serialized = BotocoreStubber.process_request, DynamoHandler.serialized
_call = DynamoHandler.call_action.__wrapped__  # without the checksum of the answer
_transact, _update, _query = DynamoDBBackend.transact_write_items, DynamoDBBackend.update_item, Table.query
_project, _row_size, _size, _cast_value = Item.project, Item.size, DynamoType.size, DynamoType.cast_value.fget
_handle_update = DynamoHandler.update_item
_one_at_a_time = threading.RLock()


def speed_up() -> None:
    """Put the shorter ways in place, for the life of this process."""
    SigV4Auth.add_auth, EndpointRulesetResolver.construct_endpoint = add_auth, construct_endpoint
    botocore.endpoint.uuid = SimpleNamespace(uuid4=partial(next, count()))  # names an invocation in a header that nobody reads
    Table.__deepcopy__ = lambda self, _memo: self  # moto's only copies of a table are those of a transaction
    Table.query = query
    Item.__init__, Item.project = make_row, project
    Item.size, Item.to_json = row_size, row_to_json
    DynamoType.__init__, DynamoType.size, DynamoType.cast_value = make_value, size, property(cast_value)
    DynamoDBBackend.transact_write_items, DynamoDBBackend.update_item = transact_write_items, update_item
    Endpoint.prepare_request, Endpoint._needs_retry = prepare_request, needs_retry
    BotocoreStubber.process_request = process_request
    DynamoHandler.call_action, DynamoHandler.serialized = call_action, serialized
    DynamoHandler._enrich_response = staticmethod(lambda headers, body: (headers, body))  # nobody reads a request's id
    ConditionExpressionParser.parse = parse_condition
    UpdateExpressionParser.make = parse_update  # the validator works on a copy
    DynamoHandler.update_item, DynamoHandler.dynamodb_backend = handle_update, property(backend)
    moto.core.responses.method_names_from_class = cache(method_names_from_class)
    moto.core.responses.camelcase_to_underscores = moto.sqs.models.camelcase_to_underscores = cache(camelcase_to_underscores)
    DynamoType.__eq__ = equal
    LimitedSizeDict.__reduce__ = lambda self: (_attributes, (dict(self),))  # pickle sets, and measures, one after the other
    Table.attribute_keys = cached_property(Table.attribute_keys.fget)  # the indexes of a table of ours stay
    Table.attribute_keys.__set_name__(Table, "attribute_keys")
    moto.dynamodb.responses.dynamo_to_dict = lambda result: result  # `serialized` does it where it is needed
    for module in (moto.dynamodb.models.table, moto.dynamodb.models, moto.dynamodb.responses):
        module.copy = SimpleNamespace(copy=copy.copy, deepcopy=lambda rows: rows)  # written before the next call


def add_auth(self: SigV4Auth, request: AWSRequest) -> None:
    """botocore's own, but moto asks for no signature."""
    if not _AT_MOTO.match(request.url):
        _add_auth(self, request)


def construct_endpoint(self: EndpointRulesetResolver, operation_model: Any, *arguments: Any, **named: Any) -> Any:
    """botocore's own, once per client of DynamoDB: all its calls have one endpoint."""
    if operation_model.service_model.service_name != "dynamodb":
        return _endpoint(self, operation_model, *arguments, **named)
    if "endpoint" not in self.__dict__:
        self.endpoint = _endpoint(self, operation_model, *arguments, **named)
    return self.endpoint


def prepare_request(self: Endpoint, request: AWSRequest) -> Any:
    """What a handler of moto's reads; botocore's own where it is no call for rows."""
    target = request.headers.get("X-Amz-Target", "")
    if not _AT_MOTO.match(request.url) or target.partition(".")[2] not in ROWS:
        return _prepare(self, request)
    return SimpleNamespace(
        method="POST",
        url=request.url,
        headers={"X-Amz-Target": target},
        body=request.data,
        stream_output=False,
        reset_stream=lambda: None,
    )


def needs_retry(self: Endpoint, attempts: int, operation_model: Any, *arguments: Any, **named: Any) -> bool:
    """botocore's own; rows that are there need none."""
    response = arguments[1]
    done = response is not None and response[0].status_code == 200 and operation_model.name in ROWS
    return not done and bool(_needs_retry(self, attempts, operation_model, *arguments, **named))


def backend(self: DynamoHandler) -> DynamoDBBackend:
    """moto's own, which locks to look whether it is there."""
    regions = dict.get(dynamodb_backends, self.current_account, {})
    return dict.get(regions, self.region) or dynamodb_backends[self.current_account][self.region]


def call_action(self: DynamoHandler) -> Any:
    """moto's own, for one thread at a time."""
    with _one_at_a_time:
        return _call(self)


def process_request(self: BotocoreStubber, request: AWSPreparedRequest) -> Any:
    """A call for rows goes to its handler as it is; moto makes a request of its HTTP library first."""
    place = _AT_MOTO.match(request.url)
    target = request.headers["X-Amz-Target"] if place else ""
    if not isinstance(target, str) or target.partition(".")[2] not in ROWS:  # else it is one of `prepare_request`
        return _process(self, request)
    handler = DynamoHandler()
    handler.headers = {"X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.0"}
    handler.querystring, handler.response_headers = {}, {"server": "amazon.com"}
    handler.region, handler.current_account = place[1], DEFAULT_ACCOUNT_ID
    handler.params = json.loads(request.body)
    return handler.call_action()


def serialized(self: DynamoHandler, action_result: ActionResult) -> Any:
    """moto's own, but rows are written as they are."""
    result = action_result.result
    if not isinstance(result, dict):
        return _serialized(self, action_result)
    if self._get_action() not in ROWS:
        return _serialized(self, ActionResult(dynamo_to_dict(result)))
    headers = {"Content-Type": "application/x-amz-json-1.0"} | self.response_headers
    return 200, headers, json.dumps(result, default=_on_the_wire)


def _on_the_wire(value: Any) -> Any:
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value.to_json()


def make_row(self: Item, hash_key: DynamoType, range_key: DynamoType | None, attrs: dict[str, Any]) -> None:
    """A row, measured once when it is whole."""
    self.hash_key, self.range_key, self.attrs = hash_key, range_key, _attributes({})
    for name, value in attrs.items():
        dict.__setitem__(self.attrs, name, DynamoType(value))
    if self.size() > ROW_BYTES:
        raise ItemSizeTooLarge


def row_to_json(self: Item, root_attr_name: str = "Attributes") -> dict[str, Any]:
    """A row in a form of its own, that no later write changes."""
    return {root_attr_name: {name: _to_json(value) for name, value in self.attrs.items()}}


def _to_json(value: DynamoType) -> dict[str, Any]:
    kind, content = value.type, value.value
    if kind == "M":
        return {kind: {name: _to_json(item) for name, item in content.items()}}
    if kind == "L":
        return {kind: [_to_json(item) for item in content]}
    return {kind: list(content) if isinstance(content, list) else content}


def make_value(self: DynamoType, content: DynamoType | dict[str, Any]) -> None:
    """A value, with values inside of it."""
    if type(content) is DynamoType:
        self.type, value = content.type, content.value
    else:
        ((self.type, value),) = content.items()
    if self.type == "L":
        value = [DynamoType(item) for item in value]
    elif self.type == "M":
        value = {name: DynamoType(item) for name, item in value.items()}
    self.value = value


def size(self: DynamoType) -> int:
    """Bytes of a value, by moto's rules."""
    kind, value = self.type, self.value
    if kind == "S":
        return len(value.encode())
    if kind == "L":
        return sum(size(item) for item in value)
    if kind == "M":
        return sum(len(name.encode()) + size(item) for name, item in value.items())
    return _size(self)


def row_size(self: Item) -> int:
    """Bytes of a row, measured once: `update_item` forgets it."""
    if "bytes" not in self.__dict__:
        self.bytes = _row_size(self)
    return self.bytes


def handle_update(self: DynamoHandler) -> Any:
    """moto's own, where the words of a request are new to it."""
    asked = {"ExpressionAttributeNames": {}, "ExpressionAttributeValues": {}, "ReturnValues": "NONE"} | self.body
    names, values, returns = asked["ExpressionAttributeNames"], asked["ExpressionAttributeValues"], asked["ReturnValues"]
    words = (
        *(asked.get(name) for name in ("TableName", "UpdateExpression", "ConditionExpression")),
        *asked,
        *_written(names, asked.get("UpdateExpression", "")),
        *values,
    )
    if words not in _known or returns not in {"NONE", "ALL_OLD", "ALL_NEW"} or {"NS": []} in values.values():
        answer = _handle_update(self)
        _known.add(words)  # else it was refused
        return answer
    table, key = asked["TableName"], asked["Key"]
    before = self.dynamodb_backend.get_item(table, key) if returns == "ALL_OLD" else None
    old = before.to_json() if before else {}
    row = self.dynamodb_backend.update_item(
        table,
        key,
        update_expression=asked["UpdateExpression"],
        expression_attribute_names=names,
        expression_attribute_values=values,
        condition_expression=asked.get("ConditionExpression"),
        return_values_on_condition_check_failure=asked.get("ReturnValuesOnConditionCheckFailure"),
    )
    shown = row.to_json() if returns == "ALL_NEW" else old
    return DynamoResult(shown | {"ConsumedCapacity": {"TableName": table, "CapacityUnits": 0.5}})


_known: set[Any] = set()
"""The words of updates that moto has carried out, without their values: it checks words and names at the first."""


def _written(names: dict[str, str], update: str) -> list[tuple[str, str]]:
    """The placeholders, with the names of what is written; in a condition a name may be an id."""
    return [(word, name if word in update else "") for word, name in names.items()]


def update_item(self: DynamoDBBackend, table_name: str, key: dict[str, Any], **about: Any) -> Item:
    """moto's own, where an update's words are new to it or do more than to give attributes plain values."""
    text, condition = about["update_expression"], about.get("condition_expression")
    names, values = about["expression_attribute_names"] or {}, about["expression_attribute_values"] or {}
    words = table_name, tuple(key), text, condition, *_written(names, text), tuple(values)
    table = self.get_table(table_name)
    if words not in _known or table.stream_shard or about.get("expected") or about.get("attribute_updates"):
        row = _by_moto(self, table_name, key, about)
        _known.add(words)
        return row
    row = self.get_item(table_name, key)
    if not ConditionExpressionParser(condition, names, values).parse().expr(row):
        shown = row and about.get("return_values_on_condition_check_failure") == "ALL_OLD"
        raise ConditionalCheckFailed(item=row.to_json()["Attributes"]) if shown else ConditionalCheckFailed
    new = changes(text, row.attrs if row else {}, names, values)
    if new is None or not _fits(table, row, new):
        return _by_moto(self, table_name, key, about)
    row = row or table.put_item(key)
    for name, value in new.items():
        if value is None:
            row.attrs.pop(name, None)
        else:
            dict.__setitem__(row.attrs, name, value)
    row.__dict__.pop("bytes", None)
    return row


def _by_moto(backend: DynamoDBBackend, table_name: str, key: dict[str, Any], about: dict[str, Any]) -> Item:
    """moto's own, which changes values in place: those of a copy, as a transaction may put the row back."""
    row = backend.get_item(table_name, key)
    if row:
        row.attrs = _attributes(copy.deepcopy(dict(row.attrs)))
        row.__dict__.pop("bytes", None)
    try:
        return _update(backend, table_name, key, **about)
    finally:
        if row := backend.get_item(table_name, key):
            row.__dict__.pop("bytes", None)


def _fits(table: Table, row: Item | None, new: dict[str, DynamoType | None]) -> bool:
    """Whether moto has nothing against these values: their bytes, and texts for the keys of indexes."""
    there = [(name, value) for name, value in new.items() if value is not None]
    bytes_ = sum(len(name.encode()) + value.size() for name, value in there) + (row.size() if row else 0)
    return bytes_ <= ROW_BYTES and all(value.type == "S" and value.value for name, value in there if name in table.attribute_keys)


def cast_value(self: DynamoType) -> Any:
    """A value to compare by; most are texts."""
    return self.value if self.type == "S" else _cast_value(self)


def equal(self: DynamoType, other: DynamoType) -> bool:
    return self.type == other.type and (self.value == other.value if self.type == "S" else self.cast_value == other.cast_value)


def _attributes(values: dict[str, DynamoType]) -> LimitedSizeDict:
    attributes = LimitedSizeDict.__new__(LimitedSizeDict)
    dict.update(attributes, values)
    return attributes


def project(self: Item, expressions: list[list[str]]) -> Item:
    """The row with the attributes that are named; moto's own where a name points into an attribute."""
    names = [expression[0] for expression in expressions]
    if any(len(expression) > 1 for expression in expressions) or any("[" in name for name in names):
        return _project(self, expressions)
    row = Item.__new__(Item)
    row.hash_key, row.range_key = self.hash_key, self.range_key
    row.attrs = _attributes({name: self.attrs[name] for name in names if name in self.attrs})
    return row


def query(
    self: Table,
    hash_key: DynamoType | None,
    comparison: Any,
    values: Any,
    limit: Any,
    start: Any,
    forward: Any,
    projections: Any,
    index: str | None,
    *more: Any,
    hash_key_conditions: list[tuple[str, DynamoType]],
    **named: Any,
) -> Any:
    """moto's own, over the rows of one partition that can stand on the page. All keys of our tables are texts."""
    keys = _keys(self, index)
    rows = sorted(_partition(self, hash_key, keys, hash_key_conditions), key=partial(_place, keys))
    if start is not None:
        last = tuple(start[key]["S"] for key in keys)
        rows = (
            rows[: bisect_left(rows, last, key=partial(_place, keys))]
            if forward is False
            else rows[bisect_right(rows, last, key=partial(_place, keys)) :]
        )
    if not comparison and named.keys() == {"range_key_conditions"}:
        rows = _first_page(rows if forward is not False else rows[::-1], limit)
    page = copy.copy(self)
    page.all_items = lambda: rows  # sorted by the query
    asked = (hash_key, comparison, values, limit, None, forward, projections, index, *more)
    return _query(page, *asked, hash_key_conditions=hash_key_conditions, **named)


def _keys(table: Table, index: str | None) -> list[str]:
    """The attributes by which moto sorts: the keys of the index, then those of the table."""
    schemas = [one.schema for one in table.all_indexes() if one.name == index]
    return [key["AttributeName"] for schema in schemas for key in schema] + [table.hash_key_attr, table.range_key_attr]


def _place(keys: list[str], row: Item) -> tuple[str, ...]:
    return tuple([row.attrs[key].value for key in keys])


def _partition(
    table: Table, hash_key: DynamoType | None, keys: list[str], conditions: list[tuple[str, DynamoType]] | None
) -> list[Item]:
    if keys[0] == table.hash_key_attr:
        return [*table.items.get(hash_key, {}).values()]
    (partition, value), sort = (conditions or [(keys[0], hash_key)])[0], keys[1]
    return [
        row
        for rows in table.items.values()
        for row in rows.values()
        if partition in row.attrs and sort in row.attrs and row.attrs[partition].value == value.value
    ]


def _first_page(rows: list[Item], limit: int | None) -> list[Item]:
    """The first rows, up to the one after a page: by it moto tells that there are more."""
    bytes_ = 0
    for number, row in enumerate(rows):
        bytes_ += row.size()
        if number == limit or bytes_ > RESULT_SIZE_LIMIT:
            return rows[: number + 1]
    return rows


def transact_write_items(self: DynamoDBBackend, transact_items: list[dict[str, Any]]) -> None:
    """moto's own, with the rows that it touches put back where it fails."""
    before = [_row(self, kind, about) for item in transact_items for kind, about in item.items()]
    try:
        _transact(self, transact_items)
    except Exception:
        for table, partition, sort, row in before:
            if row is not None:
                table.items[partition][sort] = row
            elif partition in table.items:
                table.items[partition].pop(sort, None)
        raise


def _row(backend: DynamoDBBackend, kind: str, about: dict[str, Any]) -> tuple[Table, DynamoType, DynamoType, Item | None]:
    """Where an operation writes, and what is there: a copy where it is changed in place. Every table of ours has a sort key."""
    table, key = backend.get_table(about["TableName"]), about.get("Key") or about["Item"]
    partition, sort = DynamoType(key[table.hash_key_attr]), DynamoType(key[table.range_key_attr])
    row = table.get_item(partition, sort)
    if row and kind == "Update":
        row = copy.copy(row)
        row.attrs = _attributes(row.attrs)
    return table, partition, sort, row
