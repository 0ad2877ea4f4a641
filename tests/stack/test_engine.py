"""The engine's mends, seen from outside: a small template of our own on an engine of its own."""

import asyncio
import base64
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, WSServerHandshakeError

from local.deploy import deploy
from local.engine import Engine
from local.patches import turns
from tests.waiting import eventually

NAME = "engine-mends"
CODE = (Path(__file__).parent / "engine_function.py").read_text()


def sub(text: str) -> dict[str, str]:
    return {"Fn::Sub": text}


INVOKE = sub("arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Function.Arn}/invocations")
PROXY = {"x-amazon-apigateway-integration": {"type": "aws_proxy", "httpMethod": "POST", "uri": INVOKE}}
MOCK = {
    "x-amazon-apigateway-integration": {
        "type": "mock",
        "requestTemplates": {"application/json": '{"statusCode": 204}'},
        "responses": {"default": {"statusCode": "204", "responseParameters": {"method.response.header.X-Asked": "'yes'"}}},
    }
}


def task(payload: dict[str, Any], then: str, *, wait: bool = False, **more: Any) -> dict[str, Any]:
    resource = "arn:aws:states:::lambda:invoke" + (".waitForTaskToken" if wait else "")
    return {
        "Type": "Task",
        "Resource": resource,
        "Parameters": {"FunctionName": "${Function}", "Payload": payload},
        "Next": then,
        **more,
    }


MACHINE = {
    "StartAt": "Retried",
    "States": {
        "Retried": task(
            {"raise": True},
            "Lost",
            Retry=[{"ErrorEquals": ["BudgetExceeded"], "MaxAttempts": 1, "IntervalSeconds": 1}],
            Catch=[{"ErrorEquals": ["BudgetExceeded"], "ResultPath": "$.caught", "Next": "TooLate"}],
        ),
        "TooLate": task(
            {"token.$": "$$.Task.Token"},
            "Lost",
            wait=True,
            TimeoutSeconds=1,
            Catch=[{"ErrorEquals": ["States.Timeout"], "ResultPath": None, "Next": "Raises"}],
        ),
        "Raises": task(
            {"token.$": "$$.Task.Token", "raise": True},
            "Lost",
            wait=True,
            TimeoutSeconds=60,
            Catch=[{"ErrorEquals": ["BudgetExceeded"], "ResultPath": None, "Next": "Answered"}],
        ),
        "Answered": task({"token.$": "$$.Task.Token"}, "Won", wait=True, TimeoutSeconds=60, ResultPath="$.answer"),
        "Lost": {"Type": "Fail"},
        "Won": {"Type": "Succeed"},
    },
}


def table(**more: Any) -> dict[str, Any]:
    keys = [("PK", "HASH"), ("SK", "RANGE")]
    return {
        "Type": "AWS::DynamoDB::Table",
        "Properties": {
            "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": [{"AttributeName": name, "KeyType": kind} for name, kind in keys],
            "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name, _ in keys],
            **more,
        },
    }


def resource(kind: str, **properties: Any) -> dict[str, Any]:
    return {"Type": kind, "Properties": properties}


def template(title: str = "one") -> dict[str, Any]:
    body = {
        "openapi": "3.0.1",
        "info": {"title": title, "version": "1"},
        "paths": {
            f"/{title}": {"get": PROXY},
            "/things/{id}": {"get": PROXY, "options": MOCK},
            "/boom": {"get": PROXY},
            "/bytes": {"get": PROXY},
            "/any/{proxy+}": {"x-amazon-apigateway-any-method": PROXY},
        },
        "x-amazon-apigateway-binary-media-types": ["*/*"],
        "x-amazon-apigateway-gateway-responses": {
            "MISSING_AUTHENTICATION_TOKEN": {
                "statusCode": 404,
                "responseTemplates": {"application/json": '{"at": "$context.requestTime"}'},
            },
            "DEFAULT_5XX": {"responseTemplates": {"application/json": '{"code": "INTERNAL"}'}},
        },
    }
    routes = {
        f"Route{n}": resource(
            "AWS::ApiGatewayV2::Route",
            ApiId={"Ref": "Sockets"},
            RouteKey=key,
            Target={"Fn::Join": ["/", ["integrations", {"Ref": "Integration"}]]},
        )
        for n, key in enumerate(("$connect", "$disconnect", "$default"))
    }
    return {
        "Resources": {
            "Notes": table(),
            "Table": table(
                StreamSpecification={"StreamViewType": "NEW_AND_OLD_IMAGES"},
                TimeToLiveSpecification={"AttributeName": "ttl", "Enabled": True},
            ),
            "Queue": resource("AWS::SQS::Queue", VisibilityTimeout=1),
            "Role": resource("AWS::IAM::Role", AssumeRolePolicyDocument={"Version": "2012-10-17", "Statement": []}),
            "Function": resource(
                "AWS::Lambda::Function",
                Runtime="python3.11",
                Handler="index.handler",
                Code={"ZipFile": CODE},
                Role={"Fn::GetAtt": ["Role", "Arn"]},
                Timeout=20,
                Environment={
                    "Variables": {
                        "NOTES": {"Ref": "Notes"},
                        "SOCKETS": sub("https://${Sockets}.execute-api.${AWS::Region}.amazonaws.com/live"),
                    }
                },
            ),
            "FromTable": resource(
                "AWS::Lambda::EventSourceMapping",
                FunctionName={"Ref": "Function"},
                EventSourceArn={"Fn::GetAtt": ["Table", "StreamArn"]},
                StartingPosition="TRIM_HORIZON",
                FunctionResponseTypes=["ReportBatchItemFailures"],
                MaximumRetryAttempts=2,
                FilterCriteria={"Filters": [{"Pattern": '{"eventName": ["INSERT", "REMOVE"]}'}]},
            ),
            "FromQueue": resource(
                "AWS::Lambda::EventSourceMapping",
                FunctionName={"Ref": "Function"},
                EventSourceArn={"Fn::GetAtt": ["Queue", "Arn"]},
                FunctionResponseTypes=["ReportBatchItemFailures"],
            ),
            "Machine": resource(
                "AWS::StepFunctions::StateMachine",
                RoleArn={"Fn::GetAtt": ["Role", "Arn"]},
                DefinitionString=sub(json.dumps(MACHINE)),
            ),
            "Api": resource("AWS::ApiGateway::RestApi", Body=body),
            "Deployment": resource("AWS::ApiGateway::Deployment", RestApiId={"Ref": "Api"}, Description=title),
            "Stage": resource(
                "AWS::ApiGateway::Stage",
                RestApiId={"Ref": "Api"},
                DeploymentId={"Ref": "Deployment"},
                StageName="live",
                Variables={"contract": "omoios"},
            ),
            "Sockets": resource(
                "AWS::ApiGatewayV2::Api", Name="s", ProtocolType="WEBSOCKET", RouteSelectionExpression="$request.body.type"
            ),
            "Integration": resource(
                "AWS::ApiGatewayV2::Integration", ApiId={"Ref": "Sockets"}, IntegrationType="AWS_PROXY", IntegrationUri=INVOKE
            ),
            **routes,
            "Answer": resource(
                "AWS::ApiGatewayV2::RouteResponse",
                ApiId={"Ref": "Sockets"},
                RouteId={"Ref": "Route2"},
                RouteResponseKey="$default",
            ),
            "SocketStage": resource("AWS::ApiGatewayV2::Stage", ApiId={"Ref": "Sockets"}, StageName="live", AutoDeploy=True),
            "Composite": resource("AWS::CloudWatch::CompositeAlarm", AlarmRule="TRUE"),
            "Math": resource(
                "AWS::CloudWatch::Alarm",
                Metrics=[{"Id": "e", "Expression": "1"}],
                ComparisonOperator="GreaterThanThreshold",
                EvaluationPeriods=1,
            ),
            "Router": resource(
                "AWS::CloudFront::Function",
                Name="router",
                AutoPublish=True,
                FunctionCode="function handler(e){return e.request}",
                FunctionConfig={"Comment": "", "Runtime": "cloudfront-js-2.0"},
            ),
        },
        "Outputs": {
            name: {"Value": {"Ref": name}} for name in ("Notes", "Table", "Queue", "Function", "Machine", "Api", "Sockets")
        },
    }


def assembly(folder: Path, title: str = "one") -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "t.json").write_text(json.dumps(template(title)))
    artifact = {"type": "aws:cloudformation:stack", "properties": {"templateFile": "t.json", "stackName": NAME}}
    (folder / "manifest.json").write_text(json.dumps({"artifacts": {"one": artifact}}))
    return folder


def until(look: Callable[[], Any], seconds: float = 10.0) -> Any:
    return eventually(look, within=seconds)


class World:
    """The deployed template on one engine."""

    def __init__(self, engine: Engine, outputs: dict[str, str]) -> None:
        self.engine, self.url, self.outputs = engine, engine.url, outputs

    def __getitem__(self, name: str) -> str:
        return self.outputs[name]

    def notes(self, kind: str) -> list[dict[str, Any]]:
        found = self.engine.client("dynamodb").query(
            TableName=self["Notes"],
            KeyConditionExpression="PK = :k",
            ExpressionAttributeValues={":k": {"S": kind}},
            ConsistentRead=True,
        )
        return [json.loads(item["what"]["S"]) for item in found["Items"]]

    def put(self, key: str, **more: dict[str, str]) -> None:
        self.engine.client("dynamodb").put_item(TableName=self["Table"], Item={"PK": {"S": key}, "SK": {"S": "META"}, **more})

    def seen(self, key: str, kind: str = "INSERT") -> list[dict[str, Any]]:
        return [note for note in self.notes("stream") if (note["key"], note["kind"]) == (key, kind)]

    def ask(self, path: str, method: str = "GET", **headers: str) -> tuple[int, Any, bytes]:
        request = urllib.request.Request(f"{self.url}/_aws/execute-api/{self['Api']}/live{path}", method=method, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as answer:
            with answer:
                return answer.code, answer.headers, answer.read()

    def invoke(self, **event: Any) -> tuple[dict[str, Any], str]:
        answer = self.engine.client("lambda").invoke(FunctionName=self["Function"], Payload=json.dumps(event), LogType="Tail")
        return json.loads(answer["Payload"].read()), base64.b64decode(answer.get("LogResult", "")).decode()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("engine")
    engine = Engine(folder / "data")
    engine.start()
    try:
        yield World(engine, deploy(engine, assembly(folder / "a"), lambda _line: None)[NAME])
    finally:
        engine.stop()


def test_an_exception_keeps_its_name_and_the_worker_its_life(world: World) -> None:
    before, _ = world.invoke()
    failed, log = world.invoke(**{"raise": True})
    after, _ = world.invoke()
    assert (failed["errorType"], failed["errorMessage"]) == ("BudgetExceeded", "spent")
    assert "BudgetExceeded" in log
    assert before == after


def test_a_death_has_the_name_that_it_has_on_aws_and_the_next_call_a_new_process(world: World) -> None:
    before, _ = world.invoke()
    failed, _ = world.invoke(die=True)
    after, _ = world.invoke()
    assert failed["errorType"] == "Runtime.ExitError"
    assert before["pid"] != after["pid"]


def test_a_function_has_a_bounded_number_of_workers_and_room_for_calls_to_itself(world: World) -> None:
    """Twenty callers that each wait for a call of their own: without room none of them would ever be answered."""
    with ThreadPoolExecutor(20) as callers:
        answers = [answer for answer, _ in callers.map(lambda _: world.invoke(deep=1), range(20))]
    assert [len(pids) for pids in answers] == [2] * 20
    assert len({pid for pids in answers for pid in pids}) <= turns.MOST


def test_a_rest_event_is_whole(world: World) -> None:
    status, _, body = world.ask("/things/7?x=1&x=2")
    assert (status, json.loads(body)) == (
        200,
        {
            "path": "/things/7",
            "stageVariables": {"contract": "omoios"},
            "pathParameters": {"id": "7"},
            "multiValueQueryStringParameters": {"x": ["1", "2"]},
        },
    )
    assert world.ask("/any/a/b", "DELETE")[0] == 200


def test_a_preflight_is_answered_by_the_gateway(world: World) -> None:
    status, headers, body = world.ask("/things/7", "OPTIONS")
    assert (status, headers["X-Asked"], body) == (204, "yes", b"")


def test_errors_of_the_gateway_have_the_shape_of_the_template(world: World) -> None:
    status, _, body = world.ask("/nothing")
    assert status == 404
    assert "context" not in json.loads(body)["at"]
    status, _, body = world.ask("/boom")
    assert (status, json.loads(body)) == (502, {"code": "INTERNAL"})


@pytest.mark.parametrize("accept", [None, "application/json", "image/png"])
def test_bytes_arrive_as_bytes_whatever_is_accepted(world: World, accept: str | None) -> None:
    assert world.ask("/bytes", **({"Accept": accept} if accept else {}))[2] == b"\x00\x01\x02\x03"


def test_a_changed_body_keeps_the_api(world: World, tmp_path: Path) -> None:
    assert world.ask("/two")[0] == 404
    outputs = deploy(world.engine, assembly(tmp_path / "b", "two"), lambda _line: None)[NAME]
    assert outputs["Api"] == world["Api"]
    assert (world.ask("/two")[0], world.ask("/one")[0]) == (200, 404)


def test_a_stream_record_arrives_and_is_filtered(world: World) -> None:
    world.put("warm")
    until(lambda: world.seen("warm"))
    world.put("fast")
    until(lambda: world.seen("fast"))
    world.put("fast", changed={"S": "yes"})
    world.put("after")
    until(lambda: world.seen("after"))
    assert not world.seen("fast", "MODIFY")


def test_a_poisoned_record_is_retried_and_left(world: World) -> None:
    world.put("poison")
    until(lambda: len(world.seen("poison")) == 3)  # once, and MaximumRetryAttempts times again
    world.put("behind")
    until(lambda: world.seen("behind"))
    assert len(world.seen("poison")) == 3


def test_an_expired_item_enters_the_stream(world: World) -> None:
    world.put("expiring", ttl={"N": str(int(time.time()) - 60)})
    (note,) = until(lambda: world.seen("expiring", "REMOVE"), 20)  # the engine looks every 10 s
    assert note["by"] == "dynamodb.amazonaws.com"


def test_a_message_arrives_at_once_and_a_failed_one_again(world: World) -> None:
    queue = world.engine.client("sqs")
    for body in ({"at": time.time()}, {"at": time.time(), "fail": True}):
        queue.send_message(QueueUrl=world["Queue"], MessageBody=json.dumps(body))
    notes = until(lambda: len(world.notes("queue")) == 2 and world.notes("queue"))
    assert sorted(note["times"] for note in notes) == ["1", "2"]
    queue.send_message(QueueUrl=world["Queue"], MessageBody=json.dumps({"at": time.time()}))
    assert until(lambda: len(world.notes("queue")) == 3 and world.notes("queue"))[-1]["lag"] < 0.2


def test_a_machine_retries_catches_and_waits_as_on_aws(world: World) -> None:
    states = world.engine.client("stepfunctions")
    first = states.start_execution(stateMachineArn=world["Machine"], name="same", input="{}")
    again = states.start_execution(stateMachineArn=world["Machine"], name="same", input="{}")
    assert first["executionArn"] == again["executionArn"]
    with pytest.raises(states.exceptions.ExecutionAlreadyExists):
        states.start_execution(stateMachineArn=world["Machine"], name="same", input='{"other": 1}')
    tokens = until(lambda: len(world.notes("token")) == 3 and world.notes("token"))
    states.send_task_success(taskToken=tokens[-1]["token"], output='{"said": "yes"}')

    def ended() -> Any:
        found = states.describe_execution(executionArn=first["executionArn"])
        return found if found["status"] != "RUNNING" else None

    found = until(ended)
    assert (found["status"], json.loads(found["output"])["answer"]) == ("SUCCEEDED", {"said": "yes"})


def test_sockets_say_what_the_function_posts_and_nothing_else(world: World) -> None:
    address = f"{world.url}/_aws/execute-api/{world['Sockets']}/live"

    async def talking() -> None:
        async with ClientSession() as session:
            with pytest.raises(WSServerHandshakeError) as refused:
                await session.ws_connect(f"{address}?token=bad")
            assert refused.value.status == 401
            async with session.ws_connect(address) as ws:
                for text in ("one", "two"):
                    await ws.send_str(text)
                    assert await ws.receive_str(timeout=10) == text
                await ws.send_str("boom")
                assert (await ws.receive_json(timeout=10))["message"] == "Internal server error"

    asyncio.run(talking())


def test_streams_and_data_go_on_after_a_restart_on_another_port(tmp_path: Path) -> None:
    data, written = tmp_path / "data", assembly(tmp_path / "a")
    engine = Engine(data)
    engine.start()
    try:
        before = World(engine, deploy(engine, written, lambda _line: None)[NAME])
        for n in range(5):
            before.put(f"early{n}")
        until(lambda: before.seen("early4"))
    finally:
        engine.stop()
    engine = Engine(data)
    engine.start()
    try:
        lines: list[str] = []
        after = World(engine, deploy(engine, written, lines.append)[NAME])
        assert lines == ["  1 stacks unchanged"]
        assert after.outputs == before.outputs
        after.put("late")
        until(lambda: after.seen("late"))
        assert len(after.seen("early0")) == 1
        engine.client("sqs").send_message(QueueUrl=after["Queue"], MessageBody=json.dumps({"at": time.time()}))
        until(lambda: after.notes("queue"))
    finally:
        engine.stop()
