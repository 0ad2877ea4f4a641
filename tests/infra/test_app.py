"""`python app.py` as a person, a laptop and the CLI run it: in a process of its own, told by the environment."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from local import synth
from tests.shell import shell

ROOT = Path(__file__).parents[2]


def run(outdir: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "app.py"],
        cwd=ROOT,
        env=shell(CDK_OUTDIR=str(outdir), **environment),
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_writes_an_assembly_with_what_is_there() -> None:
    """The one that the deployed stack of the tests is made of, too."""
    from infra.routes import discover

    folder = synth.assembly(settings={})
    template = json.loads((folder / "cadre-local-functions.template.json").read_text())
    functions = {one["Properties"]["Handler"] for one in template["Resources"].values() if one["Type"] == "AWS::Lambda::Function"}
    assert {f"functions.{area}.handler.handler" for area in discover().areas} <= functions
    assets = json.loads((folder / "cadre-local-functions.assets.json").read_text())["files"].values()
    assert [asset["source"]["packaging"] for asset in assets if asset["source"]["path"].endswith(".zip")] == ["file"]
    manifest = json.loads((folder / "manifest.json").read_text())["artifacts"]
    assert manifest["cadre-local-data"]["environment"] == "aws://000000000000/us-east-1"  # nobody's account on AWS


@pytest.mark.parametrize("environment", [{"CADRE_STAGE": "live"}, {"CDK_CONTEXT_JSON": '{"stage": "live"}'}])
def test_a_wrong_setting_is_named_before_anything_is_made(tmp_path: Path, environment: dict[str, str]) -> None:
    done = run(tmp_path / "out", **environment)
    assert (done.returncode, done.stderr) == (2, "stage: 'live' is not one of local, dev, prod\n")
    assert not (tmp_path / "out").exists()


def test_the_cli_is_told_to_name_a_stage(tmp_path: Path) -> None:
    """`cdk deploy --all` would try the laptop's stacks."""
    done = run(tmp_path / "out", CDK_CLI_VERSION="2.1148.1")
    assert done.returncode == 2
    assert done.stderr.startswith("stage: name the one to deploy")


def test_the_cli_runs_the_app_in_the_environment_that_make_makes() -> None:
    assert json.loads((ROOT / "cdk.json").read_text())["app"] == ".venv/bin/python app.py"
