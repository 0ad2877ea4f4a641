"""Templates of a whole platform, made once a session: `prod` as a platform team deploys it, `everything` with all settings on,
`local` as a laptop does."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from infra.samples import EVERYTHING, LOCAL, PROD
from infra.settings import Settings
from tests.infra import planned


@dataclass(frozen=True)
class Resource:
    stack: str
    name: str
    type: str
    body: dict[str, Any]

    @property
    def properties(self) -> dict[str, Any]:
        return self.body.get("Properties", {})

    def __str__(self) -> str:
        return f"{self.stack}/{self.name}"


@dataclass(frozen=True)
class Templates:
    stacks: dict[str, dict[str, Any]]
    protected: frozenset[str]  # stacks that CloudFormation refuses to delete

    @property
    def resources(self) -> Iterator[Resource]:
        for stack, template in self.stacks.items():
            for name, body in template["Resources"].items():
                yield Resource(stack, name, body["Type"], body)

    def of(self, kind: str) -> list[Resource]:
        found = [resource for resource in self.resources if resource.type == kind]
        assert found, f"no {kind} in the templates: the test would pass on nothing"
        return found


def synthesize(settings: Settings, outdir: Path) -> Templates:
    from aws_cdk import App

    from infra.platform import compose

    app = App(analytics_reporting=False, outdir=str(outdir))
    compose(app, settings, planned.code(), planned.PACKAGE, planned.PACKAGE)
    app.synth()
    templates = {path.name.split(".")[0]: json.loads(path.read_text()) for path in sorted(outdir.glob("*.template.json"))}
    artifacts = json.loads((outdir / "manifest.json").read_text())["artifacts"]
    protected = {name for name, one in artifacts.items() if one.get("properties", {}).get("terminationProtection")}
    return Templates(templates, frozenset(protected))


@pytest.fixture(scope="session")
def prod(tmp_path_factory: pytest.TempPathFactory) -> Templates:
    return synthesize(PROD, tmp_path_factory.mktemp("prod"))


@pytest.fixture(scope="session")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Templates:
    return synthesize(EVERYTHING, tmp_path_factory.mktemp("everything"))


@pytest.fixture(scope="session")
def local(tmp_path_factory: pytest.TempPathFactory) -> Templates:
    return synthesize(LOCAL, tmp_path_factory.mktemp("local"))
