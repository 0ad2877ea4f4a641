"""What the local engine counts is what CloudWatch reads in a log line with embedded metrics."""

import json

import pytest

from local.embedded_metrics import Value, values_in

ABOUT = {
    "Timestamp": 1_700_000_000_000,
    "CloudWatchMetrics": [
        {"Namespace": "Cadre", "Dimensions": [["area"], []], "Metrics": [{"Name": "took", "Unit": "Milliseconds"}, {"Name": "not_there"}]},
        {"Namespace": "Other", "Dimensions": [["area", "stage"]], "Metrics": [{"Name": "took"}]},
    ],
}  # fmt: skip
LINE = {"message": "request", "took": 2.5, "area": "cards", "stage": "local", "_aws": ABOUT}


def test_each_metric_has_its_value_under_each_set_of_dimensions():
    assert list(values_in(f"START\n{json.dumps(LINE)}\nEND")) == [
        Value("Cadre", "took", "Milliseconds", (("area", "cards"),), 1_700_000_000, 2.5),
        Value("Cadre", "took", "Milliseconds", (), 1_700_000_000, 2.5),
        Value("Other", "took", "None", (("area", "cards"), ("stage", "local")), 1_700_000_000, 2.5),
    ]


@pytest.mark.parametrize("log", ["", "words", '{"took": 1}', '{"_aws": ', '"_aws"', '{"_aws": 1}', '["_aws"]'])
def test_other_lines_have_none(log):
    assert list(values_in(log)) == []
