"""moto answers the tests as it answers everybody, only sooner."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

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


@pytest.mark.thorough
def test_every_call_is_answered_as_moto_does():
    plain, fast = answers(), answers("fast")
    assert len(plain) > 80
    for theirs, ours in zip(plain, fast, strict=True):
        assert theirs == ours
