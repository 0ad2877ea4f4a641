"""Instructions of the parts of a process, counted by callgrind. They repeat to four digits on any machine, busy or not."""

import os
import re
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path

_MARK = "adler32"  # a function of a C library that nobody else calls
_TOTAL = re.compile(r"^(?:totals|summary): (\d+)", re.MULTILINE)


def mark() -> None:
    """End a part of this process."""
    zlib.adler32(b"")


def parts(module: str, *arguments: str) -> list[int]:
    """Run `python -m module` under callgrind; return the instructions of each part that a `mark` ended. Raises RuntimeError with what the
    process wrote if it fails, and FileNotFoundError where there is no valgrind."""
    with tempfile.TemporaryDirectory(prefix="cadre-bench-") as folder:
        output = Path(folder) / "counts"
        options = ["--tool=callgrind", f"--callgrind-out-file={output}", f"--dump-before={_MARK}"]
        done = subprocess.run(
            ["valgrind", *options, sys.executable, "-m", module, *arguments],  # noqa: S607 - wherever it is installed
            env=os.environ | {"PYTHONHASHSEED": "0"}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"{module} failed: {done.stderr.strip()[-600:]}")
        dumps = sorted(Path(folder).glob("counts.*"), key=lambda path: int(path.suffix[1:]))
        return [int(_TOTAL.findall(path.read_text())[-1]) for path in dumps]
