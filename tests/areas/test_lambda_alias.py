"""A Lambda alias as the target of deployments, on moto."""

import json
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from shared.delivery.targets.lambda_alias import LambdaAlias
from shared.delivery.targets.port import FencedOut, Figures, Placed, Release, TargetFailed

REGION = "us-east-1"
ROLE = "arn:aws:iam::123456789012:role/cadre-deploy-shop"


def release(tag: str | None, deployment_id: str = "d2") -> Release:
    image = f"123456789012.dkr.ecr.{REGION}.amazonaws.com/shop:{tag}" if tag else None
    return Release(deployment_id, "b1", "1.0.0", "abc123", "main", image, "https://example.com/shop.git")


@pytest.fixture
def function(aws):
    """A function of an image with one version, to which its alias points."""
    registry = boto3.client("ecr", region_name=REGION)
    registry.create_repository(repositoryName="shop")
    kind = "application/vnd.docker.distribution.manifest.v2+json"
    for tag in ("one", "two"):
        config = {"mediaType": kind, "size": 1, "digest": f"sha256:{tag:0>64}"}
        manifest = {"schemaVersion": 2, "mediaType": kind, "config": config, "layers": []}
        registry.put_image(repositoryName="shop", imageManifest=json.dumps(manifest), imageTag=tag)
    iam = boto3.client("iam", region_name=REGION)
    service = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    trust = {"Version": "2012-10-17", "Statement": [service]}
    role = iam.create_role(RoleName="shop", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    client = boto3.client("lambda", region_name=REGION)
    code = {"ImageUri": release("one").docker_image_url}
    made = client.create_function(FunctionName="shop", Role=role, Code=code, PackageType="Image", Publish=True)
    client.create_alias(FunctionName="shop", Name="live", FunctionVersion=made["Version"])
    yield client
    client.delete_function(FunctionName="shop")
    iam.delete_role(RoleName="shop")
    registry.delete_repository(repositoryName="shop", force=True)


@pytest.fixture
def alias(function) -> LambdaAlias:
    return LambdaAlias(f"arn:aws:lambda:{REGION}:123456789012:function:shop", "live", ROLE, "project-1")


def test_traffic_is_shared_out_in_one_call_and_a_late_one_changes_nothing(function, alias):
    function.update_function_configuration(FunctionName="shop", Description="changed")
    second = function.publish_version(FunctionName="shop", Description="d2")["Version"]
    alias.set_weights({"1": 90, second: 10}, 7)
    shown = function.get_alias(FunctionName="shop", Name="live")
    assert shown["FunctionVersion"] == "1"
    assert shown["RoutingConfig"]["AdditionalVersionWeights"] == {second: 0.1}
    with pytest.raises(FencedOut):
        alias.set_weights({second: 100}, 6)
    assert function.get_alias(FunctionName="shop", Name="live")["FunctionVersion"] == "1"
    alias.set_weights({second: 100}, 8)
    assert function.get_alias(FunctionName="shop", Name="live")["FunctionVersion"] == second


def test_what_serves_is_the_version_with_the_most_traffic_whoever_shared_it_out(function, alias):
    """A rollback gives all traffic back to it."""
    function.update_function_configuration(FunctionName="shop", Description="changed")
    second = function.publish_version(FunctionName="shop", Description="by hand")["Version"]
    function.update_alias(FunctionName="shop", Name="live", RoutingConfig={"AdditionalVersionWeights": {second: 0.9}})
    assert alias.deploy(release("one"), 1).serving == second
    function.update_alias(FunctionName="shop", Name="live", RoutingConfig={"AdditionalVersionWeights": {second: 0.1}})
    assert alias.deploy(release("one"), 2).serving == "1"


def test_without_requests_nothing_is_measured(alias):
    assert alias.figures("1", 60) == Figures(0, 0, None, 60.0)


def test_an_alias_that_does_not_exist_is_said(function):
    missing = LambdaAlias(f"arn:aws:lambda:{REGION}:123456789012:function:shop", "other", ROLE, "project-1")
    with pytest.raises(TargetFailed, match="AWS answered ResourceNotFoundException"):
        missing.set_weights({"1": 100}, 1)


def test_a_build_is_published_as_one_version_however_often_it_is_asked(function, alias):
    with pytest.raises(TargetFailed, match="needs its image"):
        alias.deploy(release(None), 1)
    placed = alias.deploy(release("two"), 1)
    assert placed == Placed(False, "d2", "1")  # Lambda takes the image in first
    while not placed.ready:
        placed = alias.deploy(release("two"), 2)
    assert placed == Placed(True, "2", "1")
    assert alias.deploy(release("two"), 3) == placed
    versions = function.list_versions_by_function(FunctionName="shop")["Versions"]
    assert [version["Version"] for version in versions] == ["$LATEST", "1", "2"]
    assert function.get_alias(FunctionName="shop", Name="live")["FunctionVersion"] == "1"  # no traffic yet
    assert alias.health("2")


def test_a_version_is_removed_once_and_one_that_is_gone_is_said(function, alias):
    while not alias.deploy(release("two"), 1).ready:
        pass
    alias.remove("2", 2)
    alias.remove("2", 2)
    alias.remove("d2", 2)  # never published
    with pytest.raises(TargetFailed, match="ResourceNotFoundException: Function not found"):
        alias.health("2")


def test_a_function_that_does_not_exist_is_said(aws):
    missing = LambdaAlias(f"arn:aws:lambda:{REGION}:123456789012:function:none", "live", ROLE, "project-1")
    for call in (
        lambda: missing.deploy(release("one"), 1),
        lambda: missing.health("1"),
        lambda: missing.set_weights({"1": 100}, 1),
    ):
        with pytest.raises(TargetFailed, match="AWS answered ResourceNotFoundException"):
            call()
    missing.remove("1", 1)


@pytest.fixture
def stubbed(alias, monkeypatch) -> Stubber:
    client = boto3.client("lambda", region_name=REGION)
    monkeypatch.setattr(alias, "_client", lambda _: client)
    with Stubber(client) as stub:
        yield stub


ALIAS = {"FunctionVersion": "1", "RevisionId": "r1"}


def test_what_aws_refuses_is_said_in_its_words(alias, stubbed):
    """Throttling is tried again by the machine, as everything that a target does not do."""
    stubbed.add_response("get_alias", ALIAS)
    stubbed.add_client_error("update_alias", "TooManyRequestsException", "Rate exceeded", 429)
    with pytest.raises(TargetFailed, match="TooManyRequestsException: Rate exceeded") as said:
        alias.set_weights({"1": 100}, 1)
    assert type(said.value) is TargetFailed
    stubbed.add_response("get_alias", ALIAS)
    stubbed.add_client_error("update_alias", "ResourceNotFoundException", "Function not found: shop:99", 404)
    with pytest.raises(TargetFailed, match="Function not found: shop:99"):
        alias.set_weights({"1": 90, "99": 10}, 1)
    stubbed.add_response("get_alias", ALIAS)
    stubbed.add_client_error("update_alias", "PreconditionFailedException", "The revision has changed", 412)
    with pytest.raises(FencedOut):
        alias.set_weights({"1": 100}, 1)


@pytest.mark.parametrize(
    ("configuration", "said"),
    [
        ({"LastUpdateStatus": "InProgress"}, None),
        ({"LastUpdateStatus": "Failed", "LastUpdateStatusReason": "Too large"}, "Too large"),
    ],
)
def test_an_image_that_lambda_does_not_take_is_waited_for_or_said(alias, stubbed, configuration: dict[str, Any], said):
    wanted = release("two")
    stubbed.add_response("get_alias", ALIAS)
    stubbed.add_response("list_versions_by_function", {"Versions": []})
    stubbed.add_response("get_function", {"Configuration": configuration, "Code": {"ImageUri": str(wanted.docker_image_url)}})
    if said is None:
        assert alias.deploy(wanted, 1) == Placed(False, "d2", "1")
        return
    with pytest.raises(TargetFailed, match=said):
        alias.deploy(wanted, 1)


def test_a_role_that_does_not_trust_us_is_said(alias, monkeypatch):
    client = boto3.client("sts", region_name=REGION)
    monkeypatch.setattr("shared.core.aws.short_call_client", lambda *_, **__: client)
    with Stubber(client) as stub:
        stub.add_client_error("assume_role", "AccessDenied", "Not authorized to perform sts:AssumeRole", 403)
        with pytest.raises(TargetFailed, match="AccessDenied"):
            alias.health("1")


def test_figures_are_by_version_only_while_the_alias_has_two(function, alias, monkeypatch):
    asked: list[dict[str, str]] = []

    def get_metric_data(**query: Any) -> dict[str, Any]:
        asked.append({one["Name"]: one["Value"] for one in query["MetricDataQueries"][0]["MetricStat"]["Metric"]["Dimensions"]})
        return {"MetricDataResults": [{"Id": "requests", "Values": [90.0, 10.0]}, {"Id": "errors", "Values": [3.0]}]}

    clients = {"lambda": function, "cloudwatch": SimpleNamespace(get_metric_data=get_metric_data)}
    monkeypatch.setattr(alias, "_client", clients.__getitem__)
    assert alias.figures("1", 60) == Figures(100, 3, None, 60.0)
    assert asked[-1] == {"FunctionName": "shop", "Resource": "shop:live"}
    function.update_function_configuration(FunctionName="shop", Description="changed")
    second = function.publish_version(FunctionName="shop")["Version"]
    alias.set_weights({"1": 90, second: 10}, 1)
    for version in ("1", second):
        alias.figures(version, 60)
        assert asked[-1]["ExecutedVersion"] == version
