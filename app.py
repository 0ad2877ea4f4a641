"""The CDK app. `python app.py` writes the cloud assembly (to CDK_OUTDIR, else cdk.out) with no CLI and no network."""

import json
import os
import sys
from pathlib import Path

from infra import node

HERE = Path(__file__).parent


def main() -> int:
    node.provide()
    from infra.platform import synthesize
    from infra.settings import SettingsError

    os.environ.setdefault("CDK_OUTDIR", str(HERE / "cdk.out"))
    try:
        synthesize(json.loads((HERE / "cdk.json").read_text())["context"])
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
