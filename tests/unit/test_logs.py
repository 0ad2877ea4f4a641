"""The log level of a function, as Lambda and the settings of a deployment set it together."""

import io
import json
import logging
import sys
from collections.abc import Iterator
from functools import cache
from types import SimpleNamespace

import pytest
from aws_lambda_powertools import Logger

from infra.settings import LOG_LEVELS
from shared.core import clock, logs


@pytest.fixture
def root() -> Iterator[logging.Logger]:
    log = logging.getLogger()
    level = log.level
    yield log
    log.setLevel(level)


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch, root: logging.Logger, request: pytest.FixtureRequest) -> tuple[Logger, io.StringIO]:
    """The log of a process that Lambda started for a deployment with this level, and what it wrote."""
    level = request.param
    lambdas = "DEBUG" if level == "DEBUG" else "INFO"  # as tests/infra/test_templates.py holds it
    monkeypatch.setenv("AWS_LAMBDA_LOG_LEVEL", lambdas)
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", f"logs-{level}")
    monkeypatch.setattr(logs, "settings", lambda: SimpleNamespace(log_level=level))
    root.setLevel(lambdas)  # as the runtime does
    monkeypatch.setattr(logs, "start", cache(logs.start.__wrapped__))
    logger, stream = logs.start(), io.StringIO()
    logger.registered_handler.stream = stream  # type: ignore[attr-defined]
    return logger, stream


LEVELS = sorted(set(LOG_LEVELS.values()))


@pytest.mark.parametrize("written", LEVELS, indirect=True, ids=LEVELS)
def test_the_process_leaves_out_what_is_below_the_log_level(
    written: tuple[Logger, io.StringIO], root: logging.Logger, request: pytest.FixtureRequest
) -> None:
    logger, stream = written
    for level in ("debug", "info", "warning", "error", "critical"):
        getattr(logger, level)("a line")
    lowest = logging.getLevelNamesMapping()[request.node.callspec.id]
    names = [json.loads(line)["level"] for line in stream.getvalue().splitlines()]
    assert names == [name for name in ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL") if logging.getLevelName(name) >= lowest]
    assert root.level == lowest  # the logs of our modules and of libraries


@pytest.mark.parametrize("written", LEVELS, indirect=True, ids=LEVELS)
def test_metrics_do_not_vanish_with_the_log_level(written: tuple[Logger, io.StringIO]) -> None:
    _, stream = written
    logs.write_metrics("request", {"_aws": {"CloudWatchMetrics": []}, "requests": 1, "code": None})
    (line,) = map(json.loads, stream.getvalue().splitlines())
    assert (line["message"], line["level"], line["requests"]) == ("request", "INFO", 1)
    assert line["_aws"] == {"CloudWatchMetrics": []}
    assert "code" not in line


@pytest.mark.parametrize("written", ["INFO"], indirect=True)
def test_a_line_that_holds_metrics_is_a_line_of_the_log(
    written: tuple[Logger, io.StringIO], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever searches by level or trace finds both; it is written with few calls, because every request has one."""
    monkeypatch.setenv("_X_AMZN_TRACE_ID", "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1")
    logger, stream = written
    logger.info("a line")
    calls: list[str] = []
    sys.setprofile(lambda frame, kind, _: calls.append(frame.f_code.co_qualname) if kind == "call" else None)
    try:
        logs.write_metrics("request", {"requests": 1})
    finally:
        sys.setprofile(None)
    usual, line = map(json.loads, stream.getvalue().splitlines())
    shared = {"level", "xray_trace_id"}
    assert {name: line[name] for name in shared} == {name: usual[name] for name in shared}
    assert line.keys() - {"requests"} == usual.keys() - {"location", "service"}
    assert clock.parse(line["timestamp"])
    assert len(calls) < 30, calls  # by `logging` and Powertools' formatter 70


@pytest.mark.parametrize("written", ["INFO"], indirect=True)
def test_a_line_names_its_trace_only_if_there_is_one_to_look_at(
    written: tuple[Logger, io.StringIO], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lambda gives every call an id of a trace, and X-Ray keeps one in a hundred."""
    monkeypatch.setenv("_X_AMZN_TRACE_ID", "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0")
    _, stream = written
    logs.write_metrics("request", {"requests": 1})
    assert "xray_trace_id" not in json.loads(stream.getvalue())
