"""Deploys a cloud assembly to the engine with boto3, as the CDK CLI and its bootstrap stack do on AWS."""

import io
import re
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from local import LocalError
from local.assemblies import Asset, Stack, outputs_of, read
from local.engine import Engine

_BOOTSTRAP = "/cdk-bootstrap/hnb659fds/version"
_BOOTSTRAP_VERSION = "30"
_DEPLOYED = "/cadre-local/deployed/"
_TIMEOUT_SECONDS = 120.0
_EPOCH = (1980, 1, 1, 0, 0, 0)

Log = Callable[[str], None]


def deploy(engine: Engine, folder: Path, log: Log = print) -> dict[str, dict[str, str]]:
    """Create or update the stacks of the assembly in `folder`; returns every stack's outputs.

    A stack with the template and parameters of the last deployment is not touched.
    """
    assembly = read(folder)
    formation, parameters = engine.client("cloudformation"), engine.client("ssm")
    existing = _existing(formation)
    done = _fingerprints(parameters)
    pending = [
        stack
        for stack in assembly.stacks
        if done.get(stack.name) != stack.fingerprint() or not _complete(existing.get(stack.name))
    ]
    if pending:
        parameters.put_parameter(Name=_BOOTSTRAP, Value=_BOOTSTRAP_VERSION, Type="String", Overwrite=True)
        _upload(engine.client("s3"), assembly.assets)
    for stack in pending:
        started = time.monotonic()
        _put(formation, engine.url, stack, assembly.assets, existing.get(stack.name))
        name = _DEPLOYED + stack.name
        parameters.put_parameter(Name=name, Value=stack.fingerprint(), Type="String", Overwrite=True)
        log(f"  {stack.name}: deployed in {time.monotonic() - started:.1f} s")
    if len(pending) < len(assembly.stacks):
        log(f"  {len(assembly.stacks) - len(pending)} stacks unchanged")
    names = {stack.name for stack in assembly.stacks}
    return {name: outputs_of(stack) for name, stack in _existing(formation).items() if name in names}


def _existing(formation: Any) -> dict[str, dict[str, Any]]:
    stacks = {}
    for page in formation.get_paginator("describe_stacks").paginate():
        for stack in page["Stacks"]:
            if stack["StackStatus"] != "DELETE_COMPLETE":
                stacks[stack["StackName"]] = stack
    return stacks


def _complete(stack: dict[str, Any] | None) -> bool:
    return stack is not None and stack["StackStatus"] in ("CREATE_COMPLETE", "UPDATE_COMPLETE")


def _fingerprints(parameters: Any) -> dict[str, str]:
    fingerprints = {}
    for page in parameters.get_paginator("get_parameters_by_path").paginate(Path=_DEPLOYED.rstrip("/"), Recursive=True):
        for item in page["Parameters"]:
            fingerprints[item["Name"].removeprefix(_DEPLOYED)] = item["Value"]
    return fingerprints


def _upload(storage: Any, assets: list[Asset]) -> None:
    for bucket in sorted({asset.bucket for asset in assets}):
        storage.create_bucket(Bucket=bucket)
        uploaded = {
            item["Key"]
            for page in storage.get_paginator("list_objects_v2").paginate(Bucket=bucket)
            for item in page.get("Contents", [])
        }
        for asset in assets:
            if asset.bucket == bucket and asset.key not in uploaded:
                storage.put_object(Bucket=bucket, Key=asset.key, Body=packed(asset))


def packed(asset: Asset) -> bytes:
    """The bytes to upload: a folder as a zip file that is the same for the same content."""
    if asset.packaging != "zip" or asset.path.is_file():
        return asset.path.read_bytes()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for path in sorted(asset.path.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                entry = zipfile.ZipInfo(str(path.relative_to(asset.path)), _EPOCH)
                entry.external_attr = 0o644 << 16
                entry.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(entry, path.read_bytes())
    return buffer.getvalue()


def _put(formation: Any, url: str, stack: Stack, assets: list[Asset], existing: dict[str, Any] | None) -> None:
    from botocore.exceptions import ClientError

    if existing and existing["StackStatus"] in ("ROLLBACK_COMPLETE", "CREATE_FAILED", "ROLLBACK_FAILED", "REVIEW_IN_PROGRESS"):
        formation.delete_stack(StackName=stack.name)
        _wait(formation, stack.name, "DELETE")
        existing = None
    request = {
        "StackName": stack.name,
        **_template(url, stack, assets),
        "Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, value in stack.parameters.items()],
        "Tags": [{"Key": key, "Value": value} for key, value in stack.tags.items()],
        "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
    }
    try:
        response = formation.update_stack(**request) if existing else formation.create_stack(**request)
    except ClientError as error:
        if "No updates are to be performed" in str(error):
            return
        raise LocalError(f"{stack.name} was refused: {error.response['Error'].get('Message', error)}") from error
    _wait(formation, response["StackId"], "UPDATE" if existing else "CREATE")


def _template(url: str, stack: Stack, assets: list[Asset]) -> dict[str, str]:
    uploaded = next((asset for asset in assets if asset.path == stack.template), None)
    if uploaded:
        return {"TemplateURL": f"{url}/{uploaded.bucket}/{uploaded.key}"}
    return {"TemplateBody": stack.template.read_text()}


def _wait(formation: Any, stack: str, action: str) -> None:
    deadline = time.monotonic() + _TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        stacks = formation.describe_stacks(StackName=stack)["Stacks"] if action != "DELETE" else _find(formation, stack)
        status = stacks[0]["StackStatus"] if stacks else "DELETE_COMPLETE"
        if status == f"{action}_COMPLETE":
            return
        if status.endswith(("_COMPLETE", "_FAILED")) and status != f"{action}_COMPLETE_CLEANUP_IN_PROGRESS":
            raise LocalError(f"{_stack_name_of(stack)} ended as {status}:\n{failures(formation, stack)}")
        time.sleep(0.05)
    raise LocalError(f"{_stack_name_of(stack)} did not finish within {_TIMEOUT_SECONDS:.0f} s:\n{failures(formation, stack)}")


def _find(formation: Any, stack: str) -> list[dict[str, Any]]:
    return [existing for name, existing in _existing(formation).items() if name == stack]


def _stack_name_of(stack: str) -> str:
    match = re.search(r":stack/([^/]+)/", stack)
    return match.group(1) if match else stack


def failures(formation: Any, stack: str) -> str:
    """The failed resources of the last action on a stack, one for each line; cancelled ones are left out."""
    lines = []
    for event in formation.describe_stack_events(StackName=stack)["StackEvents"]:
        reason = event.get("ResourceStatusReason", "")
        if event["ResourceStatus"].endswith("_FAILED") and "cancelled" not in reason:
            lines.append(f"  {event['LogicalResourceId']} ({event['ResourceType']}): {reason or event['ResourceStatus']}")
        if event["ResourceType"] == "AWS::CloudFormation::Stack" and event["ResourceStatus"] in (
            "CREATE_IN_PROGRESS",
            "UPDATE_IN_PROGRESS",
        ):
            break
    return "\n".join(reversed(lines)) or "  (no failed event)"
