"""Who may talk to the engine: web pages reach the APIs and signed files, programs need the credentials of this start."""

import http.client
import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from infra.names import LOCAL_ACCOUNT
from local.engine import ROOT, Engine
from tests.shell import shell

PAGE = {"Origin": "https://evil.example"}
TABLES = {"X-Amz-Target": "DynamoDB_20120810.ListTables", "Content-Type": "application/x-amz-json-1.0"}
PREFLIGHT = {**PAGE, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-amz-target"}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    engine = Engine(tmp_path_factory.mktemp("guarded"), extra={"PERSIST_STATE": "0"})
    engine.start()
    engine.client("s3").create_bucket(Bucket="files")
    yield engine
    engine.stop()


def ask(engine: Engine, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", engine.port, timeout=10)
    try:
        connection.request(method, path, body or None, headers)
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def signed(engine: Engine, secret: str | None = None, path: str = "/", body: bytes = b"{}") -> dict[str, str]:
    request = AWSRequest("POST", engine.url + path, data=body, headers=TABLES)
    SigV4Auth(Credentials(LOCAL_ACCOUNT, secret or engine.secret), "dynamodb", "us-east-1").add_auth(request)
    return dict(request.headers)


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "localhost", "localhost:1", "x.localhost:{port}", "[::1]:{port}"]
)
@pytest.mark.parametrize("path", ["/_aws/execute-api/api/live/x", "/_ministack/health", "/"])
def test_a_foreign_name_is_refused(engine: Engine, path: str, host: str) -> None:
    status, headers, body = ask(engine, "GET", path, Host=host.format(port=engine.port), Authorization=f"Bearer {engine.secret}")
    assert (status, body) == (403, b"This is not the name of this server")
    assert "access-control-allow-origin" not in headers


def test_its_own_names_are_served(engine: Engine) -> None:
    for host in (f"127.0.0.1:{engine.port}", f"localhost:{engine.port}"):
        assert ask(engine, "GET", "/_ministack/health", Host=host)[0] == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/"),
        ("POST", "/2015-03-31/functions"),
        ("POST", "/2015-03-31/functions/any/invocations"),
        ("GET", "/files"),
        ("PUT", "/files/a.txt"),
        ("GET", "/_ministack/ses/messages"),
        ("GET", "/_ministack/sqs/messages"),
        ("POST", "/_ministack/reset"),
        ("POST", "/_ministack/config"),
        ("GET", "/_localstack/health"),
        ("POST", "/_aws/execute-api/api/live/@connections/abc"),
        ("GET", "/_aws/execute-api/api/live/%40connections/abc"),
        ("POST", "/_aws/execute-api/api//@connections/abc"),
        ("POST", "/restapis/api/live/_user_request_/@connections/abc"),
        ("POST", "/_aws/lambda-url/abc/"),
    ],
)
def test_a_page_changes_and_reads_nothing(engine: Engine, method: str, path: str) -> None:
    """A simple request: browsers send it from any page, without asking first."""
    status, headers, _ = ask(engine, method, path, b"{}" if method != "GET" else b"", **PAGE, **{"Content-Type": "text/plain"})
    assert status == 403
    assert "access-control-allow-origin" not in headers


@pytest.mark.parametrize("path", ["/", "/2015-03-31/functions", "/files/a.txt", "/_ministack/reset", "/_ministack/health"])
def test_no_page_is_told_that_it_may_ask(engine: Engine, path: str) -> None:
    status, headers, _ = ask(engine, "OPTIONS", path, **PREFLIGHT)
    assert status == 403
    assert "access-control-allow-origin" not in headers


def test_apis_are_open_to_pages(engine: Engine) -> None:
    status, _, body = ask(engine, "GET", "/_aws/execute-api/nothing/live/x", **PAGE)
    assert (status, json.loads(body)) == (404, {"message": "Not Found"})


def test_the_credentials_of_this_start_open_all(engine: Engine) -> None:
    status, headers, body = ask(engine, "POST", "/", b"{}", **signed(engine))
    assert (status, json.loads(body)) == (200, {"TableNames": []})
    assert "access-control-allow-origin" not in headers


def test_a_guessed_secret_is_refused(engine: Engine) -> None:
    for guess in ("test", "local", engine.secret + "x"):
        status, _, body = ask(engine, "POST", "/", b"{}", **signed(engine, guess))
        assert (status, "SignatureDoesNotMatch" in body.decode() or "InvalidSignature" in body.decode()) == (403, True), body


def test_what_was_signed_cannot_be_changed(engine: Engine) -> None:
    ours = signed(engine)
    assert ask(engine, "POST", "/", b'{"Limit": 1}', **ours)[0] == 403
    assert ask(engine, "POST", "/?a=b", b"{}", **ours)[0] == 403
    assert ask(engine, "POST", "/other", b"{}", **ours)[0] == 403
    assert ask(engine, "PUT", "/", b"{}", **ours)[0] == 403
    assert ask(engine, "POST", "/", b"{}", **(ours | {"X-Amz-Target": "DynamoDB_20120810.DeleteTable"}))[0] == 403
    assert ask(engine, "POST", "/", b"{}", **(ours | {"Authorization": "AWS4-HMAC-SHA256 Credential=x"}))[0] == 403


def test_a_files_body_is_the_one_that_was_signed(engine: Engine) -> None:
    request = AWSRequest("PUT", f"{engine.url}/files/b.txt", data=b"mine", headers={"X-Amz-Content-SHA256": "0" * 64})
    SigV4Auth(Credentials(LOCAL_ACCOUNT, engine.secret), "s3", "us-east-1").add_auth(request)
    status, _, body = ask(engine, "PUT", "/files/b.txt", b"theirs", **dict(request.headers))
    assert status == 403, body


def test_an_sdk_is_told_in_its_own_format(engine: Engine) -> None:
    for service, call in (("dynamodb", "list_tables"), ("sqs", "list_queues"), ("s3", "list_buckets"), ("iam", "list_users")):
        wrong = boto3.client(
            service,
            endpoint_url=engine.url,
            region_name="us-east-1",
            aws_access_key_id=LOCAL_ACCOUNT,
            aws_secret_access_key="test",
        )
        with pytest.raises(ClientError, match=r"SignatureDoesNotMatch|InvalidSignature"):
            getattr(wrong, call)()
        getattr(engine.client(service), call)()


def presigned(engine: Engine, method: str, **more: Any) -> str:
    files = boto3.client(
        "s3",
        endpoint_url=engine.url,
        region_name="us-east-1",
        aws_access_key_id=LOCAL_ACCOUNT,
        aws_secret_access_key=engine.secret,
        config=Config(signature_version="s3v4", s3={"addressing_style": "path"}),
    )
    url: str = files.generate_presigned_url(method, Params={"Bucket": "files", "Key": "a b+é.txt", **more})
    return url.removeprefix(engine.url)


def test_signed_addresses_of_files_are_open_to_pages(engine: Engine) -> None:
    put, get = presigned(engine, "put_object", ContentType="text/plain"), presigned(engine, "get_object")
    status, headers, _ = ask(engine, "OPTIONS", put, **(PREFLIGHT | {"Access-Control-Request-Method": "PUT"}))
    assert (status, headers["access-control-allow-origin"]) == (200, "*")
    assert ask(engine, "PUT", put, b"hello", **PAGE, **{"Content-Type": "text/plain"})[0] == 200
    status, headers, body = ask(engine, "GET", get, **PAGE)
    assert (status, headers["access-control-allow-origin"], body) == (200, "*", b"hello")


def test_a_signed_address_leads_to_its_file_and_nowhere_else(engine: Engine) -> None:
    get = presigned(engine, "get_object")
    query = urlsplit(get).query
    refused = [
        ask(engine, "GET", get.replace("X-Amz-Signature=", "X-Amz-Signature=0")),
        ask(engine, "GET", f"{quote('/files/other')}?{query}"),
        ask(engine, "PUT", get, b"x"),
        ask(engine, "DELETE", get),
        ask(engine, "POST", get, b"{}", **TABLES),
        ask(engine, "GET", get, **TABLES),
        ask(engine, "GET", get, Authorization="AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/lambda/aws4_request"),
        ask(engine, "POST", "/?X-Amz-Signature=0", b"{}", **TABLES),
        ask(engine, "GET", "/_ministack/ses/messages?X-Amz-Signature=0&X-Amz-Algorithm=AWS4-HMAC-SHA256"),
    ]
    assert [status for status, _, _ in refused] == [403] * len(refused)


@pytest.mark.parametrize("header", ["X-Amz-Copy-Source", "x-amz-tagging", "X-Amz-Website-Redirect-Location", "x-amz-meta-a"])
def test_whoever_has_a_signed_address_does_with_the_file_what_was_signed_and_no_more(engine: Engine, header: str) -> None:
    """With `x-amz-copy-source` an address to upload one's own file to read any other file."""
    engine.client("s3").put_object(Bucket="files", Key="secret.txt", Body=b"hello")
    put = presigned(engine, "put_object", ContentType="text/plain", ContentLength=5)
    sent = {"Content-Type": "text/plain", header: "/files/secret.txt"}
    status, _, body = ask(engine, "PUT", put, b"mine!", **sent)
    assert (status, b"not signed" in body) == (403, True)
    tagged = presigned(engine, "put_object", Tagging="a=b")
    assert ask(engine, "PUT", tagged, b"mine!", **{"X-Amz-Tagging": "a=b"})[0] == 200, "what was signed may be sent"


def test_mails_are_for_the_front_door(engine: Engine) -> None:
    mails = "/_ministack/ses/messages"
    assert ask(engine, "GET", mails, Authorization=f"Bearer {engine.secret}")[0] == 200
    assert ask(engine, "GET", mails, Authorization="Bearer ")[0] == 403
    assert ask(engine, "GET", mails, Authorization=f"Bearer {engine.secret}x")[0] == 403


def test_sockets_lead_to_apis_only(engine: Engine) -> None:
    upgrade = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }
    assert ask(engine, "GET", "/_aws/other", **upgrade)[0] == 403
    assert ask(engine, "GET", "/_aws/execute-api/a/live", **upgrade, Host="evil.example")[0] == 403


def test_a_program_beside_the_platform_reads_the_credentials_from_the_data_folder(engine: Engine) -> None:
    ask_tables = "import boto3; print(boto3.client('dynamodb').list_tables()['TableNames'])"
    told = subprocess.run(  # noqa: S603 - our own
        [sys.executable, "-c", ask_tables],
        cwd=ROOT, env=shell(AWS_SHARED_CREDENTIALS_FILE=str(engine.credentials)), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert told.stdout == "[]\n", told.stderr


def test_only_the_owner_reads_the_data_folder(engine: Engine) -> None:
    assert stat.S_IMODE(os.stat(engine.data).st_mode) == 0o700
    assert stat.S_IMODE(os.stat(engine.credentials).st_mode) == 0o600


def test_each_start_has_a_secret_of_its_own(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    engine, secrets = Engine(tmp_path), set()
    for _ in range(2):
        engine.start()
        secrets.add(engine.secret)
        engine.stop()
        assert not engine.credentials.exists()
    assert len(secrets) == 2
    assert stat.S_IMODE(os.stat(tmp_path).st_mode) == 0o700
