"""Versions, aliases and the gradual shift; ceilings of functions and tables. Off unless asked for."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from infra.names import CONTRACTS
from infra.needs import AREAS, BEHIND_GATEWAYS, FUNCTIONS
from infra.samples import EVERYTHING, PROD
from infra.settings import Settings, SettingsError
from tests.infra import planned
from tests.infra.conftest import Resource, Templates

TITLES = {name: "".join(part.capitalize() for part in name.split("_")) for name in FUNCTIONS}


def by_name(templates: Templates, kind: str) -> dict[str, Resource]:
    return {one.name: one for one in templates.of(kind)}


def test_unless_asked_for_there_are_no_versions_and_no_ceilings(prod: Templates, local: Templates) -> None:
    for templates in (prod, local):
        kinds = {one.type for one in templates.resources}
        assert not kinds & {"AWS::Lambda::Version", "AWS::Lambda::Alias", "AWS::CodeDeploy::DeploymentGroup"}
        for function in templates.of("AWS::Lambda::Function"):
            assert not function.properties.keys() & {"SnapStart", "ReservedConcurrentExecutions"}
        assert "OnDemandThroughput" not in json.dumps([one.properties for one in templates.of("AWS::DynamoDB::Table")])


def test_every_function_has_a_version_and_codedeploy_moves_its_alias(everything: Templates) -> None:
    from infra.release import LIVE

    aliases, groups = by_name(everything, "AWS::Lambda::Alias"), by_name(everything, "AWS::CodeDeploy::DeploymentGroup")
    alarms = by_name(everything, "AWS::CloudWatch::Alarm")
    assert len(everything.of("AWS::Lambda::Version")) == len(aliases) == len(groups) == len(FUNCTIONS)
    for name, title in TITLES.items():
        alias, group, alarm = aliases[f"{title}Live"], groups[f"{title}Shift"].properties, alarms[f"{title}NewErrors"].properties
        (version,) = alias.properties["FunctionVersion"]["Fn::GetAtt"][:1]
        assert alias.properties["Name"] == LIVE
        update = alias.body["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]
        assert update == {"ApplicationName": {"Ref": "Releases"}, "DeploymentGroupName": {"Ref": f"{title}Shift"}}
        assert group["DeploymentConfigName"] == "CodeDeployDefault.LambdaCanary10Percent5Minutes"
        assert group["AlarmConfiguration"] == {"Enabled": True, "Alarms": [{"Name": {"Ref": f"{title}NewErrors"}}]}
        assert "DEPLOYMENT_STOP_ON_ALARM" in group["AutoRollbackConfiguration"]["Events"]
        watched = {name: metric for query in alarm["Metrics"] for name, metric in watched_metric(query)}
        # of the new version, not of the one that it repairs
        assert watched["Errors"]["ExecutedVersion"] == {"Fn::GetAtt": [version, "Version"]}
        if name in AREAS:  # they answer a request also when they fail, which is no error to Lambda
            assert watched["failures"] == {"function": {"Ref": title}, "version": {"Fn::GetAtt": [version, "Version"]}}
        else:
            assert set(watched) == {"Errors"}


def watched_metric(query: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    if "MetricStat" in query:
        metric = query["MetricStat"]["Metric"]
        yield metric["MetricName"], {one["Name"]: one["Value"] for one in metric["Dimensions"]}


def test_versions_can_be_turned_on_where_the_platform_already_runs(prod: Templates, everything: Templates) -> None:
    """Stacks are deployed in order: none may take back an export while a later one still imports it."""
    for stack, template in prod.stacks.items():
        lost = set(template.get("Outputs", {})) - set(everything.stacks[stack].get("Outputs", {}))
        assert not lost, stack


def test_a_stage_is_deployed_anew_when_its_api_calls_an_alias(prod: Templates, everything: Templates) -> None:
    """A stage serves a snapshot of its API: the old one would go on calling functions that it may no longer call."""
    before, after = ({one.name for one in templates.of("AWS::ApiGateway::Deployment")} for templates in (prod, everything))
    assert len(before) == len(after) == len(CONTRACTS)
    assert not before & after


def test_whatever_calls_a_function_calls_its_alias(everything: Templates) -> None:
    functions = set(TITLES.values())
    for source in everything.of("AWS::Lambda::EventSourceMapping"):
        assert source.properties["FunctionName"]["Ref"].endswith("Live"), source
    for rule in everything.of("AWS::Events::Rule"):
        if "ScheduleExpression" not in rule.properties:
            continue  # it sends to a queue
        assert [target["Arn"] for target in rule.properties["Targets"]] == [{"Ref": "ScheduledLive"}]
    for permission in everything.of("AWS::Lambda::Permission"):
        assert "Live" in json.dumps(permission.properties["FunctionName"]), permission
    for api in everything.of("AWS::ApiGateway::RestApi"):
        called = json.dumps(api.properties["Body"])
        assert not [title for title in functions if f"FnGetAtt{title}Arn" in called], api
    (integration,) = everything.of("AWS::ApiGatewayV2::Integration")
    assert "WsLive" in json.dumps(integration.properties["IntegrationUri"])
    machines = by_name(everything, "AWS::StepFunctions::StateMachine")
    steps = {
        "AgentRun": "RunSteps",
        "BuildAndDeploy": "DeliverySteps",
        "Deployment": "DeploySteps",
        "SandboxLifecycle": "SandboxSteps",
    }
    assert set(machines) == set(steps)
    for machine, function in steps.items():
        assert machines[machine].properties["DefinitionSubstitutions"][function] == {"Ref": f"{function}Live"}
        role = by_name(everything, "AWS::IAM::Role")[f"{machine}Role"]
        assert {"Ref": f"{function}Live"} in role.properties["Policies"][0]["PolicyDocument"]["Statement"][0]["Resource"]
    (invoke,) = everything.of("AWS::Lambda::EventInvokeConfig")
    assert invoke.properties["Qualifier"] == {"Fn::Select": [7, {"Fn::Split": [":", {"Ref": "ScheduledLive"}]}]}


def test_a_version_is_new_when_the_function_is_and_only_then(everything: Templates, tmp_path: Path) -> None:
    """Lambda refuses a new version of an unchanged function, so the function itself says the stamp."""
    from aws_cdk import App
    from aws_cdk.aws_lambda import CfnVersion

    from infra.data import Data
    from infra.function import Functions
    from infra.socket import Socket

    def version(settings: Settings, package: Path = planned.PACKAGE) -> str:
        app = App(analytics_reporting=False, outdir=str(tmp_path))
        socket = Socket(app, Functions(settings, Data(app, settings), package))
        found = [one.logical_id for one in socket.node.find_all() if isinstance(one, CfnVersion)]
        return str(socket.resolve(found[0]))

    versions = {one.name for one in everything.of("AWS::Lambda::Version")}
    assert version(EVERYTHING) in versions
    assert version(replace(EVERYTHING, alarm_email="", log_retention_days=90, throttle_rate=1)) in versions
    assert version(replace(EVERYTHING, public_url="https://elsewhere.example")) not in versions
    assert version(replace(EVERYTHING, revision="2")) not in versions
    assert version(replace(EVERYTHING, edge_key_number=4)) not in versions
    other = tmp_path / "other.zip"
    other.write_bytes(b"another package")
    assert version(EVERYTHING, other) not in versions
    for function in everything.of("AWS::Lambda::Function"):
        stamp = function.properties["Description"].rsplit(" ", 1)[1]
        assert f"{function.name}Version{stamp}" in versions


def test_functions_behind_the_gateways_start_from_a_snapshot(everything: Templates) -> None:
    starting = {one.name for one in everything.of("AWS::Lambda::Function") if "SnapStart" in one.properties}
    assert starting == {TITLES[name] for name in BEHIND_GATEWAYS}


def test_what_was_kept_can_be_switched_off(prod: Templates, everything: Templates) -> None:
    variables = [
        {one.properties["Environment"]["Variables"].get("CADRE_KEPT") for one in templates.of("AWS::Lambda::Function")}
        for templates in (prod, everything)
    ]
    assert variables == [{None}, {"off"}]


def test_named_functions_only_start_from_a_snapshot() -> None:
    from infra.function import _snapshots

    assert _snapshots(("cards", "runs")) == ("cards", "runs")
    assert _snapshots(("all",)) == BEHIND_GATEWAYS
    assert _snapshots(()) == ()
    with pytest.raises(SettingsError, match="snapStart: 'mailer'"):
        _snapshots(("cards", "mailer"))


def test_ceilings_of_functions_and_tables(everything: Templates) -> None:
    functions = by_name(everything, "AWS::Lambda::Function")
    reserved = {
        name: one.properties["ReservedConcurrentExecutions"]
        for name, one in functions.items()
        if "ReservedConcurrentExecutions" in one.properties
    }
    assert reserved == {"RunSteps": 50, "WsPusher": 100}
    ceiling = {"MaxReadRequestUnits": 4000, "MaxWriteRequestUnits": 2000}
    for table in everything.of("AWS::DynamoDB::Table"):
        limited = [table.properties, *table.properties.get("GlobalSecondaryIndexes", [])]
        assert [one["OnDemandThroughput"] for one in limited] == [ceiling] * len(limited)


@pytest.mark.parametrize(
    ("reserved", "named"), [({"nobody": 1}, "'nobody'"), ({"ws_pusher": 69}, "at least 70"), ({"auth": 0}, "at least 1")]
)
def test_a_ceiling_below_what_the_queues_ask_for_is_refused(reserved: dict[str, int], named: str) -> None:
    from infra.function import Functions

    with pytest.raises(SettingsError, match=named):
        Functions(replace(PROD, reserved_concurrency=reserved), None, Path())  # type: ignore[arg-type]
