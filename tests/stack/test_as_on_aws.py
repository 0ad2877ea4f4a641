"""The platform as AWS runs it, as far as one machine can: the package with its real dependencies, each function under its own role's
permissions. What a role lacks fails here, and not in production."""

import json
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from infra.schedules import calls
from local import demo, synth
from local.stack import LocalStack, new
from tests.stack.test_documents import (
    test_a_long_text_comes_and_goes_by_links,
    test_what_an_agent_writes_is_a_document_with_its_revision,
)
from tests.stack.test_identity import ada, test_from_registration_to_a_new_password_by_mail
from tests.stack.test_runs import (  # the same journeys, on the stack of this module
    Shop,
    ask,
    ended,
    shop,
    test_a_cancel_bites_and_the_card_is_free,
    test_a_card_that_arrives_in_a_lane_gets_its_agent,
    test_a_raised_month_lets_waiting_runs_go_on,
    test_a_run_waits_for_people_and_goes_on,
)

__all__ = [
    "ada",
    "shop",
    "test_a_cancel_bites_and_the_card_is_free",
    "test_a_card_that_arrives_in_a_lane_gets_its_agent",
    "test_a_long_text_comes_and_goes_by_links",
    "test_a_raised_month_lets_waiting_runs_go_on",
    "test_a_run_waits_for_people_and_goes_on",
    "test_from_registration_to_a_new_password_by_mail",
    "test_what_an_agent_writes_is_a_document_with_its_revision",
]
MACHINE = {"x86_64": "x86_64", "aarch64": "arm64"}.get(os.uname().machine, "")
EVENTS = Path(__file__).parents[2] / "events"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, paid_model: dict[str, str]) -> Iterator[LocalStack]:
    folder = tmp_path_factory.mktemp("as-on-aws")
    bundled = synth.assembly(settings={"CADRE_BUNDLE": "lambda", "CADRE_ARCHITECTURE": MACHINE})
    assembly = shutil.copytree(bundled, folder / "assembly")
    for template in assembly.glob("*.template.json"):
        template.write_text(json.dumps(for_the_engine(json.loads(template.read_text()))))
    platform = new(folder / "data", extra={"AUTH": "true"} | paid_model)
    try:
        platform.start(assembly)
        yield platform
    finally:
        platform.stop()


def for_the_engine(node: Any) -> Any:
    """A template as the engine can hold to it: without what refuses plain HTTP, which is all that this machine speaks with itself, with
    task tokens for no machine in particular, since the engine does not know whose they are (AWS asks on the machine), and with mails of
    any sender, since it does not know who sends (AWS asks on the identity and on `ses:FromAddress`)."""
    if isinstance(node, list):
        return [for_the_engine(one) for one in node if not (isinstance(one, dict) and _wants_tls(one))]
    if not isinstance(node, dict):
        return node
    if "states:SendTaskSuccess" in node.get("Action", ()):
        return node | {"Resource": ["*"]}
    if "ses:SendEmail" in node.get("Action", ()):
        return {key: value for key, value in node.items() if key != "Condition"} | {"Resource": ["*"]}
    return {key: for_the_engine(value) for key, value in node.items()}


def _wants_tls(statement: dict[str, Any]) -> bool:
    return statement.get("Effect") == "Deny" and "aws:SecureTransport" in json.dumps(statement.get("Condition", {}))


def invoke(stack: LocalStack, function: str, event: dict[str, Any]) -> Any:
    lambdas = stack.boto("lambda")
    (name,) = [one["FunctionName"] for one in lambdas.list_functions()["Functions"] if one["Description"] == f"Cadre: {function}"]
    answer = lambdas.invoke(FunctionName=name, Payload=json.dumps(event))
    told = answer["Payload"].read()
    assert "FunctionError" not in answer, told
    return json.loads(told)


def test_permissions_are_in_force(stack: LocalStack) -> None:
    """Else everything below would prove nothing."""
    iam = stack.boto("iam")
    iam.create_user(UserName="nobody")
    key = iam.create_access_key(UserName="nobody")["AccessKey"]
    theirs = boto3.client(
        "dynamodb",
        endpoint_url=stack.engine.url,
        region_name="us-east-1",
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
    )
    with pytest.raises(ClientError, match="AccessDenied"):
        theirs.list_tables()


def test_the_platform_is_well(stack: LocalStack) -> None:
    assert stack.wait_until_healthy() == "healthy"


def test_the_main_job(stack: LocalStack) -> None:
    told: list[str] = []
    demo.play(stack.root, stack.model.shown, told.append)
    assert any(line.strip().startswith("ledger") for line in told), told
    document = next(number for number, line in enumerate(told) if line.startswith("  document   "))
    assert told[document + 1].startswith("    > # ")
    assert told[-1].startswith(
        "  written by embedded/cadre-embedded-1 (no language model was found); for a language model start Ollama"
    )


def test_every_job_of_the_clock(stack: LocalStack) -> None:
    for jobs in calls().values():
        assert invoke(stack, "scheduled", {"detail": {"jobs": jobs}}) is None


def test_a_run_that_nobody_works_on_is_ended_by_the_clock(stack: LocalStack, shop: Shop) -> None:
    """Its execution was stopped behind its back."""
    shop.settings(requireApprovalForAgentRuns=False)
    card = shop.card(1)
    run = shop.start(card)
    shop.until(run, ended)
    tables = stack.boto("dynamodb")
    (core,) = [name for name in tables.list_tables()["TableNames"] if "data-Core" in name]
    key = {"PK": {"S": f"RUN#{run}"}, "SK": {"S": "META"}}
    row = tables.get_item(TableName=core, Key=key, ConsistentRead=True)["Item"]
    row |= {
        "status": {"S": "running"},
        "lease_until": {"N": str(int(time.time()) - 1)},
        "GSI3PK": {"S": "RUNS#UNDERWAY#0"},
        "GSI3SK": {"S": run},
    }
    del row["event_id"], row["event"], row["completed_at"]
    tables.put_item(TableName=core, Item=row)
    invoke(stack, "scheduled", json.loads((EVENTS / "schedule.json").read_text()))
    assert shop.until(run, ended)["errorCode"] == "TIMEOUT"


def test_no_function_was_refused_anything(stack: LocalStack) -> None:
    """Last: what was caught somewhere on the way is said in a log."""
    logs = stack.boto("logs")
    refused = [
        event["message"]
        for group in logs.describe_log_groups()["logGroups"]
        for event in logs.filter_log_events(logGroupName=group["logGroupName"])["events"]
        if "AccessDenied" in event["message"] or "not authorized to perform" in event["message"]
    ]
    assert not refused, refused[:3]
    assert ask(stack.url("agentworks"), None, "GET", "/nothing")[0] == 404
