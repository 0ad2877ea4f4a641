"""The CDK app. `python app.py` writes the cloud assembly (to CDK_OUTDIR, else cdk.out) with no CLI and no network."""

import gc
import json
import os
import sys
from pathlib import Path
from typing import Any

from infra.prepare import PrepareError, start
from infra.settings import SettingsError, load

HERE = Path(__file__).parent


def context() -> dict[str, Any]:
    """What `cdk.json` says, and over it what the CLI was told (`-c name=value`), which it hands on in the environment."""
    told: dict[str, Any] = json.loads((HERE / "cdk.json").read_text())["context"]
    told |= json.loads(os.environ.get("CDK_CONTEXT_JSON", "{}"))
    if overflow := os.environ.get("CONTEXT_OVERFLOW_LOCATION_ENV"):  # where the CLI puts what an environment cannot hold
        told |= json.loads(Path(overflow).read_text())
    return told


def main() -> int:
    """0, or 2 with what is wrong with the settings or the code."""
    os.environ.setdefault("CDK_OUTDIR", str(HERE / "cdk.out"))
    try:
        settings = load(context(), os.environ)
        prepared = start(settings)
        gc.disable()  # a short process that imports 400,000 lines of CDK: collecting finds nothing and costs a tenth
        from aws_cdk import App

        from infra.platform import compose

        app = App(context=context(), analytics_reporting=False)
        compose(app, settings, *prepared())
        app.synth()
    except (SettingsError, PrepareError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
