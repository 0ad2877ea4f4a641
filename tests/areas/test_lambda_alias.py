"""A Lambda alias as the target of deployments, on moto."""

import json

import boto3
import pytest

from shared.delivery.targets.lambda_alias import LambdaAlias
from shared.delivery.targets.port import FencedOut, Figures, TargetFailed

REGION = "us-east-1"
ROLE = "arn:aws:iam::123456789012:role/cadre-deploy-shop"


@pytest.fixture
def function(aws):
    """A function with one version, to which its alias points."""
    iam = boto3.client("iam", region_name=REGION)
    service = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    trust = {"Version": "2012-10-17", "Statement": [service]}
    role = iam.create_role(RoleName="shop", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    client = boto3.client("lambda", region_name=REGION)
    made = client.create_function(
        FunctionName="shop", Role=role, Code={"ZipFile": b""}, Handler="x.y", Runtime="python3.12", Publish=True
    )
    client.create_alias(FunctionName="shop", Name="live", FunctionVersion=made["Version"])
    yield client
    client.delete_function(FunctionName="shop")
    iam.delete_role(RoleName="shop")


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


def test_without_requests_nothing_is_measured(alias):
    assert alias.figures("1", 60) == Figures(0, 0, None, 60.0)


def test_an_alias_that_does_not_exist_is_said(function):
    missing = LambdaAlias(f"arn:aws:lambda:{REGION}:123456789012:function:shop", "other", ROLE, "project-1")
    with pytest.raises(TargetFailed, match="AWS answered ResourceNotFoundException"):
        missing.set_weights({"1": 100}, 1)
