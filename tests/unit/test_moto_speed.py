"""moto answers the tests as it answers everybody, only sooner. Sooner is counted in calls of functions: a busy core changes none."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

FRACTION = 0.18  # measured: 0.17
ROOT = Path(__file__).parents[2]


def answers(*how: str) -> list[str]:
    done = subprocess.run(  # noqa: S603 - our own interpreter and module
        [sys.executable, "-m", "tests.unit.moto_scenario", *how],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.fixture(scope="module")
def played() -> tuple[list[str], list[str]]:
    return answers(), answers("fast")


@pytest.mark.thorough
def test_every_call_is_answered_as_moto_does(played):
    plain, fast = (lines[:-1] for lines in played)
    assert len(plain) > 160
    for theirs, ours in zip(plain, fast, strict=True):
        assert theirs == ours


@pytest.mark.thorough
def test_a_call_takes_a_fraction_of_what_moto_and_botocore_take(played):
    plain, fast = (int(lines[-1]) for lines in played)
    assert fast < plain * FRACTION, (fast, plain)
