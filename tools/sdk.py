"""Writes what is generated of `sdk/` from the published OpenAPI documents (`make sdk`): models, bodies of requests, resources in Python,
types in TypeScript.

The models and bodies are written by datamodel-code-generator, the methods by this module: one for each operation, once waiting and
once awaiting. The types are written by openapi-typescript. Each file begins with a digest of what it was made from, by which a test
says when it is stale.
"""

import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from tools.sdk_client import API, APIS, Document, bodies, digest, models, resources, text_digest, thin

SOURCE = Path(__file__).parents[1] / "sdk/python/src"
TYPESCRIPT = Path(__file__).parents[1] / "sdk/typescript"
TYPES = TYPESCRIPT / "src/api.ts"
IN_TYPESCRIPT = "aintandem"
GENERATOR = "datamodel-code-generator==0.89.0"
_OPTIONS = (
    *("--input-file-type", "openapi", "--target-python-version", "3.11", "--formatters", "builtin", "--disable-timestamp"),
    *("--use-standard-collections", "--use-union-operator", "--use-double-quotes", "--enum-field-as-literal", "all"),
    *("--use-schema-description", "--use-single-line-docstring", "--strict-nullable", "--no-use-annotated"),
    "--no-use-closed-typed-dict",  # 3.11 knows it by typing_extensions only
)


BASES = {"aintandem": "aintandem._model.Model"}
"""Bases of models that are not the usual one."""


def main() -> int:
    from infra import openapi

    for api in APIS:
        write(api, openapi.document(api.name))
        if api.name == IN_TYPESCRIPT:
            write_types(api, openapi.document(api.name))
    return 0


def write(api: API, document: Document) -> None:
    """Write the three files of an API."""
    folder = SOURCE / api.folder
    made = f"# Made from the API's OpenAPI document by `make sdk`: do not change it here.\n# sha256:{digest(api, document)}\n"
    _write(
        folder / "models.py",
        made
        + _generated(
            models(api, document), "pydantic_v2.BaseModel", "--base-class", BASES.get(api.name, "ai_agents._model.Model")
        ),
    )
    _write(folder / "bodies.py", made + _generated(bodies(api, document), "typing.TypedDict"))
    _write(folder / "resources.py", made + resources(api, document))


def _generated(document: Document, kind: str, *more: str) -> str:
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "openapi.json", Path(folder) / "made.py"
        source.write_text(json.dumps(document))
        command = ["uv", "tool", "run", "--from", GENERATOR, "datamodel-codegen", "--input", str(source), "--output", str(target)]
        subprocess.run([*command, "--output-model-type", kind, *_OPTIONS, *more], check=True)  # noqa: S603
        lines = target.read_text().splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith("#"))


def write_types(api: API, document: Document) -> None:
    """Write the types of the TypeScript client. Its generator is where `npm ci` has put it (`make typescript`)."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "openapi.json", Path(folder) / "api.ts"
        source.write_text(json.dumps(thin(api, document)))
        command = [str(one) for one in (TYPESCRIPT / "node_modules/.bin/openapi-typescript", source, "--output", target)]
        subprocess.run([*command, "--default-non-nullable=false"], check=True)  # noqa: S603
        made = "// Made from the API's OpenAPI document by `make sdk`: do not change it here.\n"
        TYPES.write_text(f"{made}// sha256:{types_digest(api, document)}\n{target.read_text()}")


def types_digest(api: API, document: Document) -> str:
    """Return the digest of what the types are made from."""
    return text_digest(thin(api, document), json.loads((TYPESCRIPT / "package.json").read_text())["devDependencies"])


def _write(path: Path, text: str) -> None:
    path.write_text(text)
    for action in ("check --fix --silent --exit-zero", "format --quiet"):
        subprocess.run(["ruff", *action.split(), path], check=True)  # noqa: S603, S607


def file_digest(path: Path) -> str:
    """Return the digest of what a generated file was made from."""
    return path.read_text().partition("sha256:")[2][: hashlib.sha256().digest_size * 2]


if __name__ == "__main__":
    sys.exit(main())
