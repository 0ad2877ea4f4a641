"""Our botocore session leaves out what is for other services, and nothing else."""

from typing import Any

import botocore.session
import pytest
from botocore.handlers import BUILTIN_HANDLERS

from infra import bundling_models
from infra.bundling_models import SERVICES
from shared.core import aws
from tests import grants


def handlers(client: Any) -> list[str]:
    """What botocore does for each event of each operation of a client, in order; Powertools adds a header of its own to any session, we a
    base class."""
    operations = client.meta.service_model.operation_names
    events = sorted({name.partition(".")[0] for name, *_ in BUILTIN_HANDLERS} - {"docs"})
    service = client.meta.service_model.service_id.hyphenize()
    found = client.meta.events._emitter._handlers
    return [
        f"{event} {operation} {getattr(handler, '__qualname__', type(handler).__name__)}"
        for event in events
        for operation in operations
        for handler in found.prefix_search(f"{event}.{service}.{operation}")
        if not getattr(handler, "__module__", "").startswith(("aws_lambda_powertools", "shared."))
    ]


@pytest.fixture(autouse=True)
def _region(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")


@pytest.mark.parametrize("service", SERVICES)
def test_a_client_does_what_a_client_of_a_whole_session_does(service: str) -> None:
    whole = botocore.session.get_session().create_client(service)
    assert handlers(aws.client(service)) == handlers(whole) != []


def test_a_service_is_registered_once() -> None:
    once = handlers(aws.client("s3"))
    assert handlers(aws.client("s3")) == once


def test_credentials_come_and_are_renewed_as_in_a_whole_session() -> None:
    """Those of a container are renewed before they end: functions with SnapStart have them."""
    ours, whole = (
        [type(one).__name__ for one in made.get_component("credential_provider").providers]
        for made in (aws.session(), botocore.session.get_session())
    )
    assert ours == whole
    assert "ContainerProvider" in ours


def test_a_model_keeps_what_is_named_and_what_that_uses() -> None:
    model = {
        "metadata": {"serviceId": "Some"},
        "operations": {
            "GetItem": {"name": "GetItem", "input": {"shape": "In"}, "errors": [{"shape": "Gone"}]},
            "PutItem": {"name": "PutItem", "input": {"shape": "Other"}},
            "DropTable": {"name": "DropTable"},
        },
        "shapes": {
            "In": {"type": "structure", "members": {"keys": {"shape": "Keys"}}},
            "Keys": {"type": "list", "member": {"shape": "Key"}},
            "Key": {"type": "map", "key": {"shape": "Text"}, "value": {"shape": "Key"}},
            "Text": {"type": "string"},
            "Gone": {"type": "structure", "members": {}},
            "Other": {"type": "structure", "members": {}},
        },
    }
    cut = bundling_models.cut(model, {"get_item", "Other", "table"})
    assert set(cut["operations"]) == {"GetItem"}
    assert set(cut["shapes"]) == {"In", "Keys", "Key", "Text", "Gone"}
    assert cut["metadata"] == model["metadata"]
    assert "PutItem" in bundling_models.cut(model, {"PutItem"})["operations"]


def test_a_call_of_an_operation_that_no_source_names_fails_in_tests() -> None:
    """The package's model would not have it."""
    grants.check_operations()
    with pytest.raises(AssertionError, match="no source names sqs's ListQueues"):
        aws.client("sqs").list_queues()
