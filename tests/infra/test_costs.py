"""What docs/deploying.md says about costs is what the templates and the code have."""

import json
import re
from pathlib import Path

from bench.prices import ACCESS_LINE, MISSED, TRIP
from functions.system import figures
from infra.needs import BEHIND_GATEWAYS, FUNCTIONS
from infra.queues import QUEUES
from infra.schedules import SCHEDULES
from shared.edge.http import log as requests_log
from tests.infra.conftest import Templates

PAGE = (Path(__file__).parents[2] / "docs" / "deploying.md").read_text()
# USD a month, us-east-1, as docs/deploying.md names them with their source
ALARM, SECRET, METRIC, KEY = 0.10, 0.40, 0.30, 1.00
SECOND = 0.0000133334  # of a function with 1 GB on arm64
CALL = 0.20e-6 + 0.05 * SECOND  # beside what it waits for
READ = 0.125e-6 + TRIP * SECOND
RECEIVE = {False: 0.40e-6, True: 0.50e-6}  # of a queue, by whether it is FIFO
SNAPSHOT = 0.0000015046 * 86_400 * 30  # a GB
CALLS = {  # of a rule in a month of 30 days
    "rate(1 minute)": 43_200,
    "rate(5 minutes)": 8_640,
    "rate(15 minutes)": 2_880,
    "rate(1 hour)": 720,
    "cron(* 2-3 * * ? *)": 3_600,
    "cron(* 4 * * ? *)": 1_800,
    "cron(0 4 * * ? *)": 30,
}


def test_the_price_of_nothing_to_do_is_the_documented_one(prod: Templates) -> None:
    alarms, secrets = len(prod.of("AWS::CloudWatch::Alarm")), len(prod.of("AWS::SecretsManager::Secret"))
    keys = len(prod.of("AWS::KMS::Key"))
    (dashboard,) = prod.of("AWS::CloudWatch::Dashboard")
    metrics = json.dumps(dashboard.properties).count('{\\"stat')
    assert 40 < metrics <= 50  # so many an account's first three dashboards may have each for nothing
    rules = [
        one.properties["ScheduleExpression"] for one in prod.of("AWS::Events::Rule") if "ScheduleExpression" in one.properties
    ]
    calls = sum(CALLS[expression] for expression in rules)
    reads = int(
        re.findall(r"\| reads of these jobs \| ([\d,]+) \|", PAGE)[0].replace(",", "")
    )  # counted in tests/areas/test_scheduled.py
    each = 5 * 3 * 43_200  # a source asks with five pollers, three times a minute
    receives, receiving = len(QUEUES) * each, sum(each * RECEIVE[one.fifo] for one in QUEUES.values())
    watched = [one.fifo for one in QUEUES.values()] + [False]  # dead-letter queues of these, and of the stream
    looks, looking = (
        len(watched) * CALLS[SCHEDULES["letters"]],
        sum(CALLS[SCHEDULES["letters"]] * (RECEIVE[fifo] + TRIP * SECOND) for fifo in watched),
    )
    shown = {
        f"| alarms | {alarms} | {alarms * ALARM:.2f} |": alarms * ALARM,
        f"| secrets | {secrets} | {secrets * SECRET:.2f} |": secrets * SECRET,
        f"| keys of KMS | {keys} | {keys * KEY:.2f} |": keys * KEY,
        "| dashboard, one of the account's first three | 1 | 0.00 |": 0,
        f"| calls by {len(rules)} schedules for {len(SCHEDULES)} jobs | {calls:,} | {calls * CALL:.2f} |": calls * CALL,
        f"| reads of these jobs | {reads:,} | {reads * READ:.2f} |": reads * READ,
        f"| looks at {len(watched)} dead-letter queues | {looks:,} | {looking:.2f} |": looking,
        f"| receives from {len(QUEUES)} empty queues | {receives:,} | {receiving:.2f} |": receiving,
    }
    assert [line for line in shown if line not in PAGE] == []
    assert f"about {sum(shown.values()):.0f} USD a month" in PAGE
    assert sum(shown.values()) <= MISSED["an idle stage, a month"][0]


def test_the_price_of_custom_metrics_is_the_documented_one() -> None:
    of_stage = len(requests_log.METRICS)
    assert f"With traffic there are {of_stage} custom metrics of the stage" in PAGE
    assert f"{of_stage * METRIC:.2f} USD a month" in PAGE
    assert f"at most {2 * len(figures.QUERIES)} metrics" in PAGE


def test_the_price_of_the_alarms_of_versions_is_the_documented_one(everything: Templates) -> None:
    """An alarm costs as many as it has metrics."""
    alarms = [one.properties for one in everything.of("AWS::CloudWatch::Alarm") if "Metrics" in one.properties]
    metrics = sum("MetricStat" in query for alarm in alarms for query in alarm["Metrics"])
    assert f"alarms on {metrics} metrics: {metrics * ALARM:.2f} USD a month" in PAGE


def test_the_price_of_snapshots_is_the_documented_one() -> None:
    kept = sum(FUNCTIONS[name].memory for name in BEHIND_GATEWAYS) / 1024
    assert f"{SNAPSHOT:.2f} USD in a month of 30 days for each version of a function of 1 GB" in PAGE.replace("\n", " ")
    assert f"The {len(BEHIND_GATEWAYS)} functions" in PAGE
    assert f"have {kept:.1f} GB: {kept * SNAPSHOT:.2f} USD" in PAGE.replace("\n", " ")


def test_the_sizes_of_the_stacks_are_the_documented_ones(prod: Templates) -> None:
    for part in ("functions", "watch", "data"):
        assert f"`{part}` {len(prod.stacks[f'cadre-prod-{part}']['Resources'])}" in PAGE


def test_the_line_of_the_gateway_is_as_long_as_its_price_says(prod: Templates) -> None:
    """And all of them are kept where they cost half."""
    filled = {
        "requestId": "6f1c2a34-0d1b-4f6e-9a77-2f0f5d8c4b1e",
        "identity.sourceIp": "203.0.113.254",
        "httpMethod": "POST",
        "resourcePath": "/v1/cards/{id}/move",
        "status": "200",
        "responseLatency": "24",
        "integrationLatency": "21",
        "responseLength": "1302",
        "integration.error": "-",
    }
    for stage in prod.of("AWS::ApiGateway::Stage"):
        access = stage.properties["AccessLogSetting"]
        line = re.sub(r"\$context\.([\w.]+\w)", lambda name: filled[name[1]], access["Format"])
        assert ACCESS_LINE - 20 < len(line) <= ACCESS_LINE
        group = prod.stacks[stage.stack]["Resources"][access["DestinationArn"]["Fn::GetAtt"][0]]
        assert group["Properties"]["LogGroupClass"] == "INFREQUENT_ACCESS"


def test_only_logs_that_make_no_metrics_are_rarely_read(prod: Templates) -> None:
    """AWS finds no metrics in a group of this class."""
    of_functions = {one.properties["LoggingConfig"]["LogGroup"]["Ref"] for one in prod.of("AWS::Lambda::Function")}
    rare = {one.name for one in prod.of("AWS::Logs::LogGroup") if "LogGroupClass" in one.properties}
    assert rare == {"AccessLines"}
    assert not rare & of_functions
