"""Shorter calls of DynamoDB: botocore's own client with four of its parts exchanged (decision 43).

The client, its events, retries, errors and connections are botocore's. Exchanged are the serializer and the parser, which walk the
service model over every value although rows are DynamoDB's JSON on both sides; the resolver, which finds the same address for each
call; and how a request is made: botocore's signature is put on a plain dictionary of headers. Together they are half of the instructions
of a call.
"""

import json
import time
from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from typing import Any, cast

from botocore.auth import SIGNED_HEADERS_BLACKLIST, SigV4Auth
from botocore.awsrequest import AWSPreparedRequest, AWSRequest
from botocore.credentials import Credentials
from botocore.endpoint import Endpoint
from botocore.parsers import JSONParser, ResponseParserFactory
from botocore.regions import EndpointRulesetResolver
from botocore.serialize import JSONSerializer
from botocore.signers import RequestSigner

from shared.core import counts

SLOW = 0.1  # seconds. DynamoDB answers in a few milliseconds: this one was repeated, had to connect, or was long


class RowClient:
    """A base class for botocore's client of DynamoDB (`shared.core.aws.client`)."""

    def __init__(self, **parts: Any) -> None:
        endpoint = RowEndpoint(parts["endpoint"], parts["event_emitter"], parts["request_signer"])
        address = _OneAddress(parts["endpoint_ruleset_resolver"])
        super().__init__(**parts | {"serializer": _RowSerializer(), "endpoint": endpoint, "endpoint_ruleset_resolver": address})


class _OneAddress:
    """Asks botocore's rules once where calls go; they all go there."""

    def __init__(self, rules: EndpointRulesetResolver) -> None:
        self.auth_schemes_to_signing_ctx = rules.auth_schemes_to_signing_ctx
        self._rules = rules
        self._found: Any = None

    def construct_endpoint(self, **about: Any) -> Any:
        if self._found is None:
            self._found = self._rules.construct_endpoint(**about)
        return self._found


class RowEndpoint(Endpoint):
    """Sends requests as botocore does, over the connections of the endpoint that botocore made."""

    def __init__(self, made: Endpoint, events: Any, signer: RequestSigner) -> None:
        super().__init__(made.host, "dynamodb", events, _RowParsers(), made.http_session)
        self._signer = signer

    def make_request(self, operation_model: Any, request_dict: Any) -> Any:
        """Send a request, with its retries, as botocore does. It is counted once."""
        started = time.perf_counter()
        try:
            return super().make_request(operation_model, request_dict)
        finally:
            counts.count(counts.TABLE_CALLS)
            counts.count(counts.SLOW_TABLE_CALLS, int(time.perf_counter() - started > SLOW))

    def create_request(self, params: Mapping[str, Any], operation_model: Any = None) -> AWSPreparedRequest:
        """Return a request that is signed now, with the credentials of now. Called again for each retry."""
        request = _Unsigned(params, {"Host": _host(params["url"]), **params["headers"]})
        usual = self._signer.get_auth_instance(self._signer.signing_name, self._signer.region_name)
        _PlainSigner(usual.credentials, self._signer.signing_name, self._signer.region_name).add_auth(cast(AWSRequest, request))
        return AWSPreparedRequest(request.method, request.url, request.headers, request.body, False, request.context)

    def _update_retries_context(self, context: dict[str, Any], attempt: int, success_response: Any = None) -> None:
        """Count nothing for the headers that `create_request` does not send."""


_a_signer: Any = SigV4Auth(Credentials("-", "-"), "", "")  # for what is the same with all credentials


@cache
def _host(url: str) -> str:
    """Return the header Host of an address, as botocore signs it."""
    host: str = _a_signer.headers_to_sign(AWSRequest(url=url))["host"]
    return host


class _Unsigned:
    """What botocore's signer looks at, with headers in a plain dictionary: an AWSRequest has those of an e-mail."""

    params = None

    def __init__(self, made: Mapping[str, Any], headers: Any) -> None:
        self.method, self.url, self.body, self.context = made["method"], made["url"], made["body"], made["context"]
        self.headers = headers


class _PlainSigner(SigV4Auth):
    """botocore's signer for headers of which each is there once."""

    def headers_to_sign(self, request: AWSRequest) -> Any:
        return _Headers({
            lower: value for name, value in request.headers.items() if (lower := name.lower()) not in SIGNED_HEADERS_BLACKLIST
        })  # fmt: skip

    def _sign(self, key: bytes, msg: str, hex: bool = False) -> Any:
        """Sign as botocore does; what it signs on its way to the key of a day is remembered."""
        return _a_signer._sign(key, msg, hex) if hex else _on_the_way(key, msg)


@lru_cache(maxsize=8)  # four steps lead to a key, two keys are in use while credentials change
def _on_the_way(key: bytes, text: str) -> Any:
    return _a_signer._sign(key, text)


class _Headers(dict[str, str]):
    def get_all(self, name: str) -> list[str]:
        return [self[name]]


class _RowParser(JSONParser):
    """Return DynamoDB's JSON unchanged: our decoder reads this form. Errors are read by botocore."""

    read: Callable[[bytes], Any] = staticmethod(json.loads)

    def parse(self, response: Mapping[str, Any], shape: Any) -> Any:
        return self.read(response["body"]) if response["status_code"] == 200 else super().parse(response, shape)


def read_answers_with(read: Callable[[bytes], Any]) -> None:
    """Read DynamoDB's answers with another parser of JSON than Python's, which every process has."""
    _RowParser.read = staticmethod(read)


class _RowParsers(ResponseParserFactory):
    """Give the one parser, which keeps nothing, to every call."""

    _parser = _RowParser()

    def create_parser(self, protocol_name: str) -> JSONParser:
        return self._parser


class _RowSerializer(JSONSerializer):
    """Send a request's parameters as they are: they are DynamoDB's JSON."""

    def serialize_to_request(self, parameters: Mapping[str, Any], operation_model: Any) -> dict[str, Any]:
        headers = {"X-Amz-Target": f"DynamoDB_20120810.{operation_model.name}", "Content-Type": "application/x-amz-json-1.0"}
        return {
            "url_path": "/",
            "query_string": "",
            "method": "POST",
            "headers": headers,
            "body": json.dumps(parameters).encode(),
        }
