"""Reading cloud assemblies, packing assets, telling what failed."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from local import assemblies, deploy, synth
from local.assemblies import Asset


def write_assembly(folder: Path, stacks: dict[str, list[str]], **more: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    artifacts: dict[str, Any] = dict(more)
    for name, needs in stacks.items():
        (folder / f"{name}.template.json").write_text(json.dumps({"Resources": {name: {}}}))
        artifacts[name] = {
            "type": "aws:cloudformation:stack",
            "properties": {"templateFile": f"{name}.template.json", "stackName": f"x-{name}", "parameters": {"P": "1"}},
            "dependencies": [*needs, "Tree"],
        }
    (folder / "manifest.json").write_text(json.dumps({"version": "1", "artifacts": artifacts}))
    return folder


def test_stacks_come_in_the_order_of_their_dependencies(tmp_path: Path) -> None:
    found = assemblies.read(write_assembly(tmp_path, {"api": ["functions", "data"], "functions": ["data"], "data": []}))
    assert [stack.name for stack in found.stacks] == ["x-data", "x-functions", "x-api"]


def test_a_circle_is_told(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="circle: x-a, x-b"):
        assemblies.read(write_assembly(tmp_path, {"a": ["b"], "b": ["a"]}))


def test_assets_and_stages_are_found(tmp_path: Path) -> None:
    inner = write_assembly(tmp_path / "inner", {"deep": []})
    (inner / "x.assets.json").write_text(
        json.dumps(
            {
                "files": {
                    "h": {
                        "source": {"path": "asset.h", "packaging": "zip"},
                        "destinations": {"d": {"bucketName": "b-${AWS::AccountId}-${AWS::Region}", "objectKey": "h.zip"}},
                    }
                }
            }
        )
    )
    manifest = json.loads((inner / "manifest.json").read_text())
    manifest["artifacts"]["x.assets"] = {"type": "cdk:asset-manifest", "properties": {"file": "x.assets.json"}}
    (inner / "manifest.json").write_text(json.dumps(manifest))
    stage = {"type": "cdk:cloud-assembly", "properties": {"directoryName": "inner"}}
    found = assemblies.read(write_assembly(tmp_path, {"top": []}, stage=stage))
    assert {stack.name for stack in found.stacks} == {"x-top", "x-deep"}
    assert found.assets == [Asset(inner / "asset.h", "zip", "b-000000000000-us-east-1", "h.zip")]


def test_the_fingerprint_follows_template_and_parameters(tmp_path: Path) -> None:
    (one,) = assemblies.read(write_assembly(tmp_path, {"a": []})).stacks
    before = one.fingerprint()
    assert before == one.fingerprint()
    one.parameters["P"] = "2"
    assert one.fingerprint() != before
    one.parameters["P"] = "1"
    one.template.write_text("{}")
    assert one.fingerprint() != before


def test_a_packed_folder_depends_on_its_content_only(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name / "functions" / "__pycache__").mkdir(parents=True)
        (tmp_path / name / "functions" / "a.py").write_text("x = 1\n")
        (tmp_path / name / "functions" / "__pycache__" / "a.pyc").write_text(name)
    packed = [deploy.packed(Asset(tmp_path / name, "zip", "b", "k")) for name in ("one", "two")]
    assert packed[0] == packed[1]
    assert zipfile.ZipFile(io.BytesIO(packed[0])).namelist() == ["functions/a.py"]


def test_a_zip_that_is_one_already_is_not_packed_again(tmp_path: Path) -> None:
    (tmp_path / "code.zip").write_bytes(b"PK")
    assert deploy.packed(Asset(tmp_path / "code.zip", "zip", "b", "k")) == b"PK"


class Events:
    def describe_stack_events(self, **_: str) -> dict[str, Any]:
        def event(name: str, status: str, reason: str = "", kind: str = "AWS::SQS::Queue") -> dict[str, str]:
            return {"LogicalResourceId": name, "ResourceType": kind, "ResourceStatus": status, "ResourceStatusReason": reason}

        return {
            "StackEvents": [
                event("Other", "CREATE_FAILED", "Resource creation cancelled"),
                event("Queue", "CREATE_FAILED", "no such thing"),
                event("x", "UPDATE_IN_PROGRESS", kind="AWS::CloudFormation::Stack"),
                event("Old", "CREATE_FAILED", "of an earlier action"),
            ]
        }


def test_failures_name_the_cause_and_not_its_consequences() -> None:
    assert deploy.failures(Events(), "x") == "  Queue (AWS::SQS::Queue): no such thing"


def checkout(root: Path) -> Path:
    for name in ("infra", "functions", "shared", "requirements"):
        (root / name).mkdir(parents=True)
        (root / name / "a.py").write_text("")
    (root / "app.py").write_text("")
    (root / "cdk.json").write_text("{}")
    return root


def test_synthesis_is_repeated_only_when_something_it_reads_changed(tmp_path: Path) -> None:
    root = checkout(tmp_path)
    first = synth.fingerprint(root, {})
    (root / "functions" / "__pycache__").mkdir()
    (root / "functions" / "__pycache__" / "a.pyc").write_bytes(b"1")
    (root / "README.md").write_text("words")
    assert synth.fingerprint(root, {}) == first
    assert synth.fingerprint(root, {"CADRE_DEFAULT_PROVIDER": "bedrock"}) != first
    (root / "shared" / "a.py").write_text("x = 1")
    assert synth.fingerprint(root, {}) != first


def test_the_app_is_told_its_own_settings_only() -> None:
    told = {"CADRE_PORT": "9000", "CADRE_DATA": "here", "CADRE_DEFAULT_PROVIDER": "bedrock", "HOME": "/home/ada"}
    assert synth.app_settings(told) == {"CADRE_DEFAULT_PROVIDER": "bedrock", "CADRE_STAGE": "local"}
