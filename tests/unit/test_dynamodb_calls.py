"""Our shorter calls of DynamoDB end as botocore's own do, whatever the network and the service do: the same script is played to both."""

import ipaddress
import re
import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import botocore.auth
import botocore.endpoint
import botocore.session
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest, AWSResponse
from botocore.config import Config
from botocore.credentials import Credentials, RefreshableCredentials
from botocore.endpoint import Endpoint
from botocore.exceptions import ClientError
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from shared.core import aws
from shared.store import calls
from shared.store.calls import RowClient
from tests import moto_speed
from tests.dynamodb_server import CUT, HALF, OK, STALLED, Answer, Received, Server, scripted

KEY = {"PK": {"S": "A"}, "SK": {"S": "META"}}
CONFIG = Config(
    connect_timeout=2, read_timeout=0.2, retries={"mode": "standard", "total_max_attempts": 4}, parameter_validation=False
)
FAILED = {"Put": {"TableName": "t", "Item": KEY}}


def refused(code: str, status: int = 400, **more: Any) -> Answer:
    return Answer(status, {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": "No.", **more})


SCRIPTS = {
    "a row": [OK],
    "throttled, then not": [refused("ProvisionedThroughputExceededException"), refused("ThrottlingException"), OK],
    "throttled all the time": [refused("RequestLimitExceeded")] * 4,
    "another transaction, then none": [refused("TransactionInProgressException"), OK],
    "broken, then not": [refused("InternalServerError", 500), Answer(503, "<html><body>Busy</body></html>"), OK],
    "broken all the time": [refused("InternalServerError", 500)] * 4,
    "a condition failed": [refused("ConditionalCheckFailedException", Item=KEY | {"tags": {"SS": ["a", "b"]}})],
    "a transaction was cancelled": [
        refused(
            "TransactionCanceledException",
            CancellationReasons=[{"Code": "None"}, {"Code": "ConditionalCheckFailed", "Message": "No.", "Item": KEY}],
        )
    ],
    "a wrong request": [refused("ValidationException")],
    "an error that nobody knows": [refused("NewException")],
    "the clocks differ": [refused("InvalidSignatureException")],
    "the signature is too old": [refused("RequestExpired")],
    "bytes were changed on the way": [Answer(body={"Item": KEY}, checksum=1), OK],
    "cut off before an answer": [CUT, OK],
    "cut off within an answer": [HALF, OK],
    "cut off all the time": [CUT] * 4,
    "no answer in time": [STALLED, OK],
}


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What botocore waits before it sends a request again; nobody waits for it here."""
    made: list[float] = []
    monkeypatch.setattr(botocore.endpoint, "time", SimpleNamespace(sleep=made.append))
    monkeypatch.setattr(Endpoint, "_needs_retry", moto_speed._needs_retry)
    return made


@pytest.fixture
def client_of(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    def make(url: str, base: type | None = RowClient) -> Any:
        monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", url)
        return aws.client("dynamodb", config=CONFIG, base=base)

    return make


def outcome(call: Callable[[], Any]) -> Any:
    """What a call returns or raises, without what only errors tell of themselves."""
    try:
        answer = call()
    except ClientError as error:
        return type(error).__name__, str(error), error.response
    except Exception as error:
        return type(error)
    answer.pop("ResponseMetadata", None)
    return answer


@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)
def test_a_call_ends_as_botocores_own_does(script: list[Answer], client_of: Callable[..., Any], pauses: list[float]) -> None:
    ends = []
    for base in (None, RowClient):
        with scripted(*script) as server:
            client = client_of(server.url, base)
            if any("CancellationReasons" in str(answer.body) for answer in script):
                ends.append(outcome(lambda one=client: one.transact_write_items(TransactItems=[FAILED, FAILED])))
            else:
                ends.append(outcome(lambda one=client: one.get_item(TableName="t", Key=KEY)))
            assert server.answers == []
            assert len(pauses) == len(script) - 1
            pauses.clear()
            client.close()
    assert ends[0] == ends[1]


def test_a_kept_connection_that_the_other_side_closed_is_opened_again(client_of: Callable[..., Any], pauses: list[float]) -> None:
    for base in (None, RowClient):
        with scripted(OK, Answer(body=OK.body, closes=True), OK) as server:
            client = client_of(server.url, base)
            found = [outcome(lambda one=client: one.get_item(TableName="t", Key=KEY)) for _ in range(3)]
            assert found == [OK.body] * 3
            first, second, third = (one.connection for one in server.requests)
            assert first == second != third
            client.close()
    assert len(pauses) in {0, 2}  # noticed before the request is sent, or by it


def test_nobody_listens(client_of: Callable[..., Any], pauses: list[float]) -> None:
    with scripted() as server:
        gone = server.url
    ends = [outcome(lambda one=base: client_of(gone, one).get_item(TableName="t", Key=KEY)) for base in (None, RowClient)]
    assert ends[0] == ends[1] == botocore.exceptions.EndpointConnectionError
    assert len(pauses) == 2 * 3


def certificate(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """The server's side of TLS for 127.0.0.1, and the file by which a client knows it."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "dynamodb")])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(days=1), now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    known, secret = folder / "known.pem", folder / "secret.pem"
    known.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(known, secret)
    return context, known


def test_a_connection_is_encrypted_and_the_other_side_is_known(
    client_of: Callable[..., Any], pauses: list[float], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context, known = certificate(tmp_path)
    with scripted(OK, context=context) as server:
        stranger = outcome(lambda: client_of(server.url).get_item(TableName="t", Key=KEY))
        assert stranger is botocore.exceptions.SSLError
        assert server.requests == []
        monkeypatch.setenv("AWS_CA_BUNDLE", str(known))
        friend = client_of(server.url)
        assert outcome(lambda: friend.get_item(TableName="t", Key=KEY)) == OK.body
        friend.close()


def signed_by_botocore(server: Server, received: Received, monkeypatch: pytest.MonkeyPatch) -> str:
    """The signature that botocore's own signer gives to the headers that were signed."""
    headers = {name.lower(): value for name, value in received.headers.items()}
    names = re.search("SignedHeaders=([^,]+)", headers["authorization"])[1].split(";")  # type: ignore[index]
    access_key = re.search("Credential=([^/]+)", headers["authorization"])[1]  # type: ignore[index]
    moment = datetime.strptime(headers["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda: moment)
    request = AWSRequest("POST", server.url + "/", {name: headers[name] for name in names}, received.body)
    SigV4Auth(Credentials(access_key, "secret", headers["x-amz-security-token"]), "dynamodb", "us-east-1").add_auth(request)
    monkeypatch.undo()
    assert {"host", "x-amz-date", "x-amz-target", "x-amz-security-token", "content-type"} == set(names)
    return str(request.headers["Authorization"])


class Rotating:
    """Credentials that are new each time somebody asks, as those of a role that are about to end."""

    def __init__(self) -> None:
        self.number = 0

    def load_credentials(self) -> RefreshableCredentials:
        return RefreshableCredentials.create_from_metadata(self._next(), self._next, "test")

    def _next(self) -> dict[str, str]:
        self.number += 1
        soon = (datetime.now(UTC) + timedelta(seconds=60)).isoformat()
        return {
            "access_key": f"KEY{self.number}",
            "secret_key": "secret",
            "token": f"token{self.number}",
            "expiry_time": soon,
        }


def test_each_try_is_signed_by_botocores_rules_with_the_credentials_of_its_moment(
    client_of: Callable[..., Any], pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    session = botocore.session.Session()
    session.register_component("credential_provider", Rotating())
    with scripted(refused("ThrottlingException"), OK, OK) as server:
        with monkeypatch.context() as patched:
            patched.setattr(aws, "session", lambda: session)
            patched.setenv("AWS_ENDPOINT_URL_DYNAMODB", server.url)
            client = aws.client("dynamodb", config=CONFIG, base=RowClient)
        for _ in range(2):
            client.get_item(TableName="t", Key={"PK": {"S": "ü"}, "SK": {"S": "META"}})
        client.close()
        for one in server.requests:
            assert one.headers["Authorization"] == signed_by_botocore(server, one, monkeypatch)
    tokens = [one.headers["X-Amz-Security-Token"] for one in server.requests]
    assert len(set(tokens)) == 3
    assert len(pauses) == 1


def test_the_key_of_a_day_is_derived_once_and_anew_for_another_day_or_secret() -> None:
    def sign(signer: type[SigV4Auth], secret: str, day: str) -> str:
        request = AWSRequest("POST", "https://localhost")
        request.context["timestamp"] = f"{day}T120000Z"
        return signer(Credentials("key", secret), "dynamodb", "eu-west-1").signature("what is signed", request)

    calls._on_the_way.cache_clear()
    moments = [("one", "20261128"), ("two", "20261128"), ("one", "20261129")]
    signed = [sign(calls._PlainSigner, *moment) for moment in moments * 2]
    assert signed == [sign(SigV4Auth, *moment) for moment in moments * 2]
    assert len(set(signed)) == 3
    assert calls._on_the_way.cache_info().misses > 4  # no more than two keys are kept
    before = calls._on_the_way.cache_info().misses
    assert sign(calls._PlainSigner, *moments[-1]) == signed[-1]
    assert calls._on_the_way.cache_info().misses == before


def test_a_call_says_who_makes_it_and_belongs_to_its_trace(
    client_of: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "cards")
    monkeypatch.setenv("_X_AMZN_TRACE_ID", "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1")
    with scripted(OK) as server:
        client = client_of(server.url)
        client.get_item(TableName="t", Key=KEY)
        client.close()
        [received] = server.requests
    assert received.headers["X-Amzn-Trace-Id"] == "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1"
    assert received.headers["User-Agent"].endswith(" Cadre")
    assert received.headers["X-Amz-Target"] == "DynamoDB_20120810.GetItem"
    assert "trace" not in received.headers["Authorization"]


def test_a_transaction_carries_one_token_through_all_of_its_tries(client_of: Callable[..., Any], pauses: list[float]) -> None:
    with scripted(CUT, Answer()) as server:
        client = client_of(server.url)
        client.transact_write_items(TransactItems=[FAILED])
        client.close()
    first, second = (re.search(rb'"ClientRequestToken": "([^"]+)"', one.body) for one in server.requests)
    assert first is not None
    assert second is not None
    assert first[1] == second[1]
    assert len(pauses) == 1


@pytest.mark.parametrize("region", ["eu-central-1", "ap-southeast-7", "us-gov-west-1", "cn-north-1"])
@pytest.mark.parametrize("variant", ["", "AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT"])
def test_the_address_is_the_one_that_botocores_rules_give(region: str, variant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", region)
    if variant:
        monkeypatch.setenv(variant, "true")
    addresses: list[str] = []

    def note(request: Any, **_: Any) -> Any:
        addresses.append(request.url)
        return AWSResponse(request.url, 200, {}, SimpleNamespace(stream=lambda: [b"{}"]))

    for base in (None, RowClient):
        client = aws.client("dynamodb", config=CONFIG, base=base)
        client.meta.events.register_first("before-send", note)
        client.get_item(TableName="t", Key=KEY)
    assert addresses[0] == addresses[1]
    assert region in addresses[0]
