"""The network and the runtime of sandboxes on AWS: what reaches what, and who may do what."""

import base64
import json
import re

import pytest

from infra.settings import Settings, SettingsError
from tests.infra.conftest import Templates

STACK = "cadre-prod-sandboxes"
GATEWAY = "10.87.0.10"


def of(everything: Templates, kind: str) -> list:
    return [one for one in everything.of(kind) if one.stack == STACK]


def test_it_is_made_only_where_it_is_asked_for(prod: Templates, everything: Templates) -> None:
    assert STACK not in prod.stacks
    assert STACK in everything.stacks


def test_from_the_subnets_of_microvms_no_route_leads_anywhere(everything: Templates) -> None:
    (runtime,) = of(everything, "AWS::BedrockAgentCore::Runtime")
    network = runtime.properties["NetworkConfiguration"]
    assert network["NetworkMode"] == "VPC"
    inside = {subnet["Ref"] for subnet in network["NetworkModeConfig"]["Subnets"]}
    assert inside == {"Inside1", "Inside2"}
    (association,) = of(everything, "AWS::EC2::SubnetRouteTableAssociation")
    assert association.properties["SubnetId"] == {"Ref": "Outside"}  # theirs is the main table, which has the network alone
    assert [one.properties["RouteTableId"] for one in of(everything, "AWS::EC2::Route")] == [{"Ref": "OutsideRoutes"}]
    assert not [one for one in everything.resources if one.type in ("AWS::EC2::NatGateway", "AWS::EC2::VPCEndpoint")]


def test_what_the_groups_let_through(everything: Templates) -> None:
    egress = {one.name: one.properties for one in of(everything, "AWS::EC2::SecurityGroupEgress")}
    assert egress["ToGateway"]["DestinationSecurityGroupId"] == {"Fn::GetAtt": ["GatewayGroup", "GroupId"]}
    out = [one for one in egress.values() if one["GroupId"] == {"Fn::GetAtt": ["MachinesGroup", "GroupId"]}]
    assert out == [egress["ToGateway"]]
    (ingress,) = of(everything, "AWS::EC2::SecurityGroupIngress")
    assert (ingress.properties["FromPort"], ingress.properties["ToPort"]) == (443, 443)
    assert ingress.properties["SourceSecurityGroupId"] == {"Fn::GetAtt": ["MachinesGroup", "GroupId"]}
    for group in of(everything, "AWS::EC2::SecurityGroup"):
        assert "SecurityGroupIngress" not in group.properties
        assert [one["CidrIp"] for one in group.properties["SecurityGroupEgress"]] == ["127.0.0.1/32"]


def test_names_lead_to_the_gateway_or_nowhere(everything: Templates) -> None:
    (record,) = of(everything, "AWS::Route53::RecordSet")
    assert (record.properties["Name"], record.properties["ResourceRecords"]) == ("api.agentworks.dev", [GATEWAY])
    (group,) = of(everything, "AWS::Route53Resolver::FirewallRuleGroup")
    rules = sorted(group.properties["FirewallRules"], key=lambda rule: rule["Priority"])
    assert [(rule["Action"], rule["FirewallDomainListId"]["Fn::GetAtt"][0]) for rule in rules] == [
        ("ALLOW", "KnownNames"),
        ("BLOCK", "AllNames"),
    ]
    (instance,) = of(everything, "AWS::EC2::Instance")
    assert "IamInstanceProfile" not in instance.properties
    assert "KeyName" not in instance.properties
    assert len(base64.b64decode(instance.properties["UserData"])) <= 16_384  # EC2's limit


def test_the_microvm_has_no_right_of_ours(everything: Templates) -> None:
    (role,) = of(everything, "AWS::IAM::Role")
    (policy,) = role.properties["Policies"]
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert statement["Action"] == ["s3:GetObject"]
    assert "*" not in json.dumps(statement["Resource"])
    (trust,) = role.properties["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Condition"]["StringEquals"]["aws:SourceAccount"]
    (runtime,) = of(everything, "AWS::BedrockAgentCore::Runtime")
    assert re.fullmatch(r"[a-zA-Z][a-zA-Z0-9_]{0,47}", runtime.properties["AgentRuntimeName"])
    assert "EnvironmentVariables" not in runtime.properties
    assert runtime.properties["FilesystemConfigurations"] == [{"SessionStorage": {"MountPath": "/mnt/work"}}]


def test_one_function_starts_and_ends_them(everything: Templates, prod: Templates) -> None:
    roles = [
        one for one in everything.of("AWS::IAM::Role") if "bedrock-agentcore:InvokeAgentRuntime" in json.dumps(one.properties)
    ]
    assert [one.name for one in roles] == ["SandboxStepsRole"]
    (steps,) = [one for one in everything.of("AWS::Lambda::Function") if one.name == "SandboxSteps"]
    assert "CADRE_SANDBOX_RUNTIME" in steps.properties["Environment"]["Variables"]
    assert "bedrock-agentcore" not in json.dumps(prod.stacks)


def test_what_the_gateway_is_told_is_what_runs() -> None:
    from infra.sandbox_runtime import user_data

    script = user_data(["api.example.com"])
    files = {path: base64.b64decode(text).decode() for path, text in re.findall(r"base64 -d > (\S+) <<'END'\n(\S+)\nEND", script)}
    assert "ExecStart=/usr/bin/python3 /opt/forward.py api.example.com\n" in files["/etc/systemd/system/forward.service"]
    compile(files["/opt/forward.py"], "forward.py", "exec")
    assert "UseDNS=no" in files["/etc/systemd/network/10-gateway.network"]


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        ({"sandboxes": "fargate"}, "sandboxes"),
        ({"sandbox_zones": ("a",)}, "sandboxes"),
        ({"sandboxes": "agentcore", "sandbox_zones": ("a",), "public_url": "https://a.example.com"}, "sandboxZones"),
        ({"sandboxes": "agentcore"}, "publicUrl"),
        ({"sandboxes": "agentcore", "stage": "local"}, "laptop"),
    ],
)
def test_settings_that_cannot_be(wrong: dict, word: str) -> None:
    with pytest.raises(SettingsError, match=word):
        Settings(**({"stage": "dev", "bundle": "lambda"} | wrong))
