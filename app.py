"""The CDK app. `python app.py` writes the cloud assembly (to CDK_OUTDIR, else cdk.out) with no CLI and no network."""

import gc
import json
import os
import sys
from pathlib import Path

gc.disable()  # a short process that imports 400,000 lines of CDK: collecting finds nothing and costs a tenth

from infra.platform import synthesize  # noqa: E402
from infra.settings import SettingsError  # noqa: E402

HERE = Path(__file__).parent


def main() -> int:
    """0, or 2 with the setting that cannot be."""
    os.environ.setdefault("CDK_OUTDIR", str(HERE / "cdk.out"))
    try:
        synthesize(json.loads((HERE / "cdk.json").read_text())["context"])
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
