"""moto's DynamoDB without its detours: the same answers in a fraction of the time.

moto copies the whole table for each operation of a transaction, sorts the whole table for each query, measures each row once per
attribute, copies each row that it updates three times, and turns requests and answers through several forms. Here it touches the rows
that it is asked for, and reads and writes JSON as it is. botocore signs what nobody checks, and resolves the same endpoint for each
call. Calls come one at a time, so that a transaction is one for other threads too, as it is on DynamoDB.
`tests/unit/test_moto_speed.py` compares the answers with moto's own.
"""

import base64
import copy
import inspect
import json
import re
import threading
from collections import deque
from functools import cache, partial
from itertools import count
from types import SimpleNamespace
from typing import Any

import botocore.endpoint
import moto.core.responses
import moto.dynamodb.models
import moto.dynamodb.models.table
import moto.dynamodb.responses
from botocore.awsrequest import AWSPreparedRequest, AWSRequest
from botocore.regions import EndpointRulesetResolver
from botocore.signers import RequestSigner
from moto.core import DEFAULT_ACCOUNT_ID
from moto.core.botocore_stubber import BotocoreStubber
from moto.core.responses import ActionResult
from moto.dynamodb.comparisons import ConditionExpressionParser
from moto.dynamodb.exceptions import ItemSizeTooLarge
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType, Item, LimitedSizeDict
from moto.dynamodb.models.table import Table
from moto.dynamodb.models.utilities import dynamo_to_dict
from moto.dynamodb.parsing.ast_nodes import DDBTypedValue, DepthFirstTraverser, Node, NoneExistingPath
from moto.dynamodb.parsing.expressions import UpdateExpressionParser
from moto.dynamodb.parsing.validators import UpdateExpressionValidator
from moto.dynamodb.responses import DynamoHandler

ROWS = {
    "GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "Scan",
    "BatchGetItem", "BatchWriteItem", "TransactGetItems", "TransactWriteItems",
}  # fmt: skip
"""The operations whose answers are rows as they go over the wire."""
ROW_BYTES = 405_000
"""Where moto, too, ends a row (DynamoDB: 400 KB)."""

_AT_MOTO = re.compile(r"https://dynamodb\.([a-z0-9-]+)\.amazonaws\.com")

_sign, _endpoint = RequestSigner.sign, EndpointRulesetResolver.construct_endpoint
_process, _serialized = BotocoreStubber.process_request, DynamoHandler.serialized
_call = DynamoHandler.call_action.__wrapped__  # without the checksum of the answer
_transact, _update, _query = DynamoDBBackend.transact_write_items, DynamoDBBackend.update_item, Table.query
_project, _row_size, _size, _cast_value = Item.project, Item.size, DynamoType.size, DynamoType.cast_value.fget
_parse_condition = ConditionExpressionParser.parse
_parse_update, _validator = UpdateExpressionParser.make, UpdateExpressionValidator.__init__
_QUERY = inspect.signature(Table.query)
_one_at_a_time = threading.RLock()
NODES = (Node,)
CHECKS = 3
"""The first processors of an update's validator: they look at its text and names alone."""


def speed_up() -> None:
    """Put the shorter ways in place, for the life of this process."""
    RequestSigner.sign, EndpointRulesetResolver.construct_endpoint = sign, construct_endpoint
    botocore.endpoint.uuid = SimpleNamespace(uuid4=partial(next, count()))  # names an invocation in a header that nobody reads
    Table.__deepcopy__ = lambda self, _memo: self  # moto's only copies of a table are those of a transaction
    Table.query = query
    Item.__init__, Item.project = make_row, project
    Item.size, Item.to_json = row_size, row_to_json
    DynamoType.__init__, DynamoType.size, DynamoType.cast_value = make_value, size, property(cast_value)
    DynamoDBBackend.transact_write_items, DynamoDBBackend.update_item = transact_write_items, update_item
    BotocoreStubber.process_request = process_request
    DynamoHandler.call_action, DynamoHandler.serialized = call_action, serialized
    DynamoHandler._enrich_response = staticmethod(lambda headers, body: (headers, body))  # nobody reads a request's id
    ConditionExpressionParser._lex_condition_expression = lambda self: deque(_tokens(self.condition_expression))
    ConditionExpressionParser.parse = parse_condition
    DepthFirstTraverser.traverse_node_recursively = traverse
    Node.__deepcopy__ = copy_node
    UpdateExpressionParser.make = _update_expression  # the validator works on a copy
    UpdateExpressionValidator.__init__ = validator
    moto.core.responses.method_names_from_class = cache(moto.core.responses.method_names_from_class)
    moto.dynamodb.responses.dynamo_to_dict = lambda result: result  # `serialized` does it where it is needed
    for module in (moto.dynamodb.models.table, moto.dynamodb.models, moto.dynamodb.responses):
        module.copy = SimpleNamespace(copy=copy.copy, deepcopy=lambda rows: rows)  # written before the next call


def sign(self: RequestSigner, operation_name: str, request: AWSRequest, *arguments: Any, **named: Any) -> None:
    """botocore's own, but moto asks for no signature."""
    if not _AT_MOTO.match(request.url):
        _sign(self, operation_name, request, *arguments, **named)


def construct_endpoint(self: EndpointRulesetResolver, operation_model: Any, *arguments: Any, **named: Any) -> Any:
    """botocore's own, once per client of DynamoDB: all its calls have one endpoint."""
    if operation_model.service_model.service_name != "dynamodb":
        return _endpoint(self, operation_model, *arguments, **named)
    if "endpoint" not in self.__dict__:
        self.endpoint = _endpoint(self, operation_model, *arguments, **named)
    return self.endpoint


def call_action(self: DynamoHandler) -> Any:
    """moto's own, for one thread at a time."""
    with _one_at_a_time:
        return _call(self)


def process_request(self: BotocoreStubber, request: AWSPreparedRequest) -> Any:
    """A call for rows goes to its handler as it is; moto makes a request of its HTTP library first."""
    place = _AT_MOTO.match(request.url)
    target = request.headers["X-Amz-Target"].decode() if place else ""
    if not place or target.partition(".")[2] not in ROWS:
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


def update_item(self: DynamoDBBackend, *arguments: Any, **named: Any) -> Item:
    """moto's own, which changes the row in place."""
    row = _update(self, *arguments, **named)
    row.__dict__.pop("bytes", None)
    return row


def cast_value(self: DynamoType) -> Any:
    """A value to compare by; most are texts."""
    return self.value if self.type == "S" else _cast_value(self)


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


def query(self: Table, hash_key: DynamoType | None, *arguments: Any, **named: Any) -> Any:
    """moto's own, over the rows of the one partition that is asked for."""
    partition = copy.copy(self)
    partition.all_items = lambda: [row for rows in partition.items.values() for row in rows.values()]  # sorted by the query
    asked = _QUERY.bind(self, hash_key, *arguments, **named).arguments
    partition.items = _partition(self, hash_key, asked.get("index_name"), asked["hash_key_conditions"])
    return _query(partition, hash_key, *arguments, **named)


def _partition(
    table: Table, hash_key: DynamoType | None, index: str | None, conditions: list[tuple[str, DynamoType]] | None
) -> dict[DynamoType, dict[DynamoType, Item]]:
    if not index:
        return {hash_key: table.items[hash_key]} if hash_key in table.items else {}
    if not conditions:
        return table.items
    name, value = conditions[0]
    return {
        key: matching
        for key, rows in table.items.items()
        if (matching := {sort: row for sort, row in rows.items() if name in row.attrs and row.attrs[name].value == value.value})
    }


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
    return table, partition, sort, copy.deepcopy(row) if kind == "Update" else row


@cache
def _tokens(expression: str) -> tuple[Any, ...]:
    """The words of a condition, read once per text: ours are few, their values stand beside them."""
    parser, tokens, rest = ConditionExpressionParser(expression, None, None), [], expression
    while rest:
        token, rest = parser._lex_one_node(rest)
        if token.nonterminal != parser.Nonterminal.WHITESPACE:
            tokens.append(token)
    return tuple(tokens)


def parse_condition(self: ConditionExpressionParser) -> Any:
    """moto's own; the handler and then the backend ask for the same condition of a request."""
    asked = self.condition_expression, self.expression_attribute_names, self.expression_attribute_values
    last, condition, names, values = _last_condition
    if not self.condition_expression or not all(one is other for one, other in zip(asked, last, strict=True)):
        condition = _parse_condition(self)
        _last_condition[:] = asked, condition, self.expr_attr_names_found, self.expr_attr_values_found
        return condition
    self.expr_attr_names_found, self.expr_attr_values_found = list(names), list(values)
    return condition


_last_condition: list[Any] = [(None, None, None), None, [], []]


def copy_node(self: Node, _memo: dict[int, Any]) -> Node:
    """The tree below a node, which processors change."""
    twin = object.__new__(type(self))
    twin.__dict__ |= self.__dict__
    if self.children is not None:
        twin.children = [copy_node(child, _memo) if _is(type(child), NODES) else child for child in self.children]
    for child in twin.children or ():
        if _is(type(child), NODES):
            child.parent = twin
    return twin


def traverse(self: DepthFirstTraverser, node: Any, child_id: int = -1) -> Any:
    """moto's own, which asks for the kinds of nodes at each node anew."""
    prepares = type(self).pre_processing_of_child is not DepthFirstTraverser.pre_processing_of_child
    return _traverse(self, self.nodes_to_be_processed(), prepares, node, child_id)


def _traverse(traverser: DepthFirstTraverser, kinds: tuple[type, ...], prepares: bool, node: Node, child_id: int) -> Any:
    parent = node.parent
    for at, child in enumerate(node.children or ()):
        if prepares:
            traverser.pre_processing_of_child(node, at)
        if _is(type(child), NODES):
            _traverse(traverser, kinds, prepares, child, at)
    if not _is(type(node), kinds):
        return node
    processed = traverser.process(node)
    processed.parent = parent
    if parent:
        parent.children[child_id] = processed
    return processed


@cache
def _update_expression(expression: str) -> Any:
    return _parse_update(expression)


def validator(self: UpdateExpressionValidator, expression: Any, **about: Any) -> None:
    """moto's own; what depends on the text and the names alone is checked once, and nobody looks for what the text does not have."""
    _validator(self, expression, **about)
    checks, processors = self.processors[:CHECKS], self.processors[CHECKS:]
    names = about["expression_attribute_names"] or {}
    key = expression, tuple(names.items()), tuple(about["table"].table_key_attrs)
    if key not in _checked:
        for check in checks:
            check.traverse(expression)
        _checked.add(key)
    there = _kinds(expression)
    self.processors = [one for one in processors if any(_is(kind, one.nodes_to_be_processed()) for kind in there)]


@cache
def _kinds(node: Node) -> frozenset[type]:
    """The kinds of nodes in a tree, with those that stand for values while it is validated."""
    below = [_kinds(child) for child in node.children or () if _is(type(child), NODES)]
    return frozenset({type(node), DDBTypedValue, NoneExistingPath}.union(*below))


_checked: set[tuple[Any, ...]] = set()


@cache
def _is(kind: type, kinds: tuple[type, ...]) -> bool:
    return issubclass(kind, kinds)
