"""Reads a cloud assembly: its stacks in the order of their dependencies, and the files to upload."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.names import LOCAL_ACCOUNT, LOCAL_REGION


@dataclass(frozen=True)
class Asset:
    """A file or folder to upload; `key` is named after its content, so an existing key is the same content."""

    path: Path
    packaging: str
    bucket: str
    key: str


@dataclass(frozen=True)
class Stack:
    """One template with its parameters; `depends_on` are the names of the stacks that must be deployed first."""

    name: str
    template: Path
    parameters: dict[str, str]
    tags: dict[str, str]
    depends_on: frozenset[str]

    def fingerprint(self) -> str:
        """Changes when the template or a parameter does; asset keys are part of the template."""
        rest = json.dumps([self.parameters, self.tags], sort_keys=True)
        return hashlib.sha256(self.template.read_bytes() + rest.encode()).hexdigest()


@dataclass(frozen=True)
class Assembly:
    """What is to be deployed."""

    stacks: list[Stack]
    assets: list[Asset]


def read(folder: Path) -> Assembly:
    """The assembly in `folder`, stages included, stacks in deployable order."""
    stacks: dict[str, Stack] = {}
    assets: dict[tuple[str, str], Asset] = {}
    _read(folder, stacks, assets)
    return Assembly(_ordered(stacks), list(assets.values()))


def _read(folder: Path, stacks: dict[str, Stack], assets: dict[tuple[str, str], Asset]) -> None:
    artifacts = json.loads((folder / "manifest.json").read_text()).get("artifacts", {})
    names = {
        key: artifact["properties"].get("stackName", key)
        for key, artifact in artifacts.items()
        if artifact["type"] == "aws:cloudformation:stack"
    }
    for key, artifact in artifacts.items():
        properties = artifact.get("properties", {})
        if key in names:
            stacks[names[key]] = Stack(
                name=names[key],
                template=folder / properties["templateFile"],
                parameters=properties.get("parameters", {}),
                tags=properties.get("tags", {}),
                depends_on=frozenset(names[other] for other in artifact.get("dependencies", []) if other in names),
            )
        elif artifact["type"] == "cdk:asset-manifest":
            for asset in _assets(folder, folder / properties["file"]):
                assets[asset.bucket, asset.key] = asset
        elif artifact["type"] == "cdk:cloud-assembly":
            _read(folder / properties["directoryName"], stacks, assets)


def _assets(folder: Path, manifest: Path) -> list[Asset]:
    files = json.loads(manifest.read_text()).get("files", {})
    return [
        Asset(
            folder / entry["source"]["path"],
            entry["source"].get("packaging", "file"),
            _without_placeholders(destination["bucketName"]),
            _without_placeholders(destination["objectKey"]),
        )
        for entry in files.values()
        for destination in entry["destinations"].values()
    ]


def _without_placeholders(text: str) -> str:
    for name, value in (("AccountId", LOCAL_ACCOUNT), ("Region", LOCAL_REGION), ("Partition", "aws")):
        text = text.replace("${AWS::" + name + "}", value)
    return text


def _ordered(stacks: dict[str, Stack]) -> list[Stack]:
    ordered: list[Stack] = []
    waiting = dict(stacks)
    while waiting:
        placed = {stack.name for stack in ordered}
        ready = [stack for stack in waiting.values() if stack.depends_on <= placed]
        if not ready:
            raise ValueError(f"stacks depend on each other in a circle: {', '.join(sorted(waiting))}")
        for stack in ready:
            ordered.append(waiting.pop(stack.name))
    return ordered


def outputs_of(description: dict[str, Any]) -> dict[str, str]:
    """The outputs in an answer of DescribeStacks, by name."""
    return {item["OutputKey"]: item["OutputValue"] for item in description.get("Outputs", [])}
