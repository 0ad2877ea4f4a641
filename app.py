"""The CDK app. `python app.py` writes the cloud assembly to CDK_OUTDIR (default cdk.out), without the CDK CLI and without network."""

import gc
import json
import os
import sys
from pathlib import Path
from typing import Any

from infra.prepare import PrepareError, start_child
from infra.settings import SettingsError, load

HERE = Path(__file__).parent


def context() -> dict[str, Any]:
    """The values of `cdk.json`, overridden by those of the CLI (`-c name=value`), which are in the environment."""
    values: dict[str, Any] = json.loads((HERE / "cdk.json").read_text())["context"]
    values |= json.loads(os.environ.get("CDK_CONTEXT_JSON", "{}"))
    if overflow := os.environ.get("CONTEXT_OVERFLOW_LOCATION_ENV"):  # the CLI puts values there that are too long for a variable
        values |= json.loads(Path(overflow).read_text())
    return values


def main() -> int:
    """Write the cloud assembly; 2 if the settings or the code are wrong."""
    os.environ.setdefault("CDK_OUTDIR", str(HERE / "cdk.out"))
    try:
        settings = load(context(), os.environ)
        if (
            settings.local and "CDK_CLI_VERSION" in os.environ
        ):  # a laptop's package has no dependencies, and `make run` needs no CLI
            raise SettingsError("stage: name the one to deploy, `-c stage=dev` or `-c stage=prod`; `make run` is the local one")
        wait = start_child(settings)
        gc.disable()  # a short process that imports 400,000 lines of CDK: collecting frees nothing and takes a tenth of the time
        from aws_cdk import App

        from infra.platform import compose

        app = App(context=context(), analytics_reporting=False)
        compose(app, settings, *wait())
        app.synth()
    except (SettingsError, PrepareError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
