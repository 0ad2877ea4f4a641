"""botocore's data in the package: of the services that functions call, the operations that they call, without documentation."""

import gzip
import json
import re
import shutil
from pathlib import Path
from typing import Any

from botocore import xform_name

# The AWS services whose botocore data is in the package; that of all others (24 MB) is left out
SERVICES = (
    "bedrock-agentcore",  # sandboxes on AWS
    "bedrock-runtime",
    "cloudwatch",
    "codebuild",
    "dynamodb",
    "kms",
    "lambda",
    "logs",  # of builds
    "s3",
    "secretsmanager",
    "sesv2",
    "sqs",
    "stepfunctions",
    "sts",  # also botocore itself, for credentials of a role
)
_KEPT_DATA = ("_retry.json", "sdk-default-configuration.json", "endpoints.json", "partitions.json")
_CALLERS = ("functions/**/*.py", "shared/**/*.py", "botocore/*.py")


def prune_data(data: Path) -> None:
    """Remove other services' data and all documentation from `botocore/data`."""
    for path in data.iterdir():
        if path.is_dir() and path.name not in SERVICES:
            shutil.rmtree(path)
        elif path.is_file() and path.name not in _KEPT_DATA:
            path.unlink()
    _shrink_endpoints(data / "endpoints.json")
    for path in sorted(data.rglob("service-2.json.gz")):
        _shrink_model(path)
    for path in data.rglob("examples-1.json*"):
        path.unlink()


def _shrink_endpoints(path: Path) -> None:
    """Keep only the endpoints of SERVICES: botocore parses this file for every client."""
    wanted = {*SERVICES, "monitoring", "states", "email", "execute-api"}
    endpoints = json.loads(path.read_text())
    for partition in endpoints["partitions"]:
        partition["services"] = {name: body for name, body in partition["services"].items() if name in wanted}
    path.write_text(json.dumps(endpoints, separators=(",", ":"), sort_keys=True))


def _shrink_model(path: Path) -> None:
    """Remove the documentation of a service model and unpack it: the DynamoDB client then parses 105 KB instead of 528."""
    with gzip.open(path) as model:
        bare = _undocumented(json.load(model))
    _write(path.with_suffix(""), bare)
    path.unlink()


def _undocumented(node: Any) -> Any:
    if isinstance(node, dict):
        # emptied and not removed, because botocore reads it for S3; a member may itself have the name `documentation`, then it is no text
        return {
            name: "" if name == "documentation" and isinstance(one, str) else _undocumented(one) for name, one in node.items()
        }
    return [_undocumented(one) for one in node] if isinstance(node, list) else node


def cut_models(data: Path, sources: Path) -> None:
    """Leave in every model of `data` only the operations that the code below `sources` can call."""
    named = words_of_callers(sources)
    for path in sorted(data.rglob("service-2.json")):
        _write(path, cut(json.loads(path.read_text()), named))


def words_of_callers(sources: Path) -> set[str]:
    """Return every word in the code below `sources` that calls AWS, ours and of libraries."""
    paths = (path for pattern in _CALLERS for path in sources.glob(pattern))
    return {word for path in paths for word in re.findall(r"\w+", path.read_text())}


def is_named(operation: str, words: set[str]) -> bool:
    """Tell whether code with these words can call an operation: it names it, as `get_item` or as `GetItem`."""
    return operation in words or xform_name(operation) in words


def cut(model: dict[str, Any], words: set[str]) -> dict[str, Any]:
    """Return a service model without operations that are not named, and without shapes that none of the others uses."""
    operations = {name: body for name, body in model["operations"].items() if is_named(name, words)}
    needed: set[str] = set()
    waiting: list[Any] = [operations]
    while waiting:
        node = waiting.pop()
        if isinstance(node, list):
            waiting += node
        elif isinstance(node, dict):
            waiting += node.values()
            shape = node.get("shape")
            if isinstance(shape, str) and shape not in needed and shape in model["shapes"]:
                needed.add(shape)
                waiting.append(model["shapes"][shape])
    shapes = {name: shape for name, shape in model["shapes"].items() if name in needed}
    return model | {"operations": operations, "shapes": shapes}


def _write(path: Path, model: dict[str, Any]) -> None:
    path.write_text(json.dumps(model, separators=(",", ":"), sort_keys=False))
