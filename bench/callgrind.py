"""Instructions of a process or of its parts, counted by callgrind. They repeat to four digits on any machine, busy or not."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path

Done = subprocess.CompletedProcess[str]
AVAILABLE = shutil.which("valgrind") is not None
_MARK = "adler32"  # a function of a C library that nobody else calls
_TOTAL = re.compile(r"^(?:totals|summary): (\d+)", re.MULTILINE)
_COLLECTED = re.compile(r"Collected : (\d+)")


def mark() -> None:
    """End a part of this process."""
    zlib.adler32(b"")


def whole(run: Callable[[tuple[str, ...]], Done]) -> int:
    """Return the instructions of a process that `run` runs under the program it is given. Raises RuntimeError if callgrind tells none."""
    done = run(_callgrind("/dev/null"))
    collected = _COLLECTED.search(done.stderr)
    if collected is None:
        raise RuntimeError(f"callgrind told no number: {done.stderr.strip()[-600:]}")
    return int(collected[1])


def parts(module: str, *arguments: str) -> list[int]:
    """Run `python -m module` under callgrind; return the instructions of each part that a `mark` ended. Raises RuntimeError with what the
    process wrote if it fails, and FileNotFoundError where there is no valgrind."""
    with tempfile.TemporaryDirectory(prefix="cadre-bench-") as folder:
        done = subprocess.run(
            [*_callgrind(f"{folder}/counts", f"--dump-before={_MARK}"), sys.executable, "-m", module, *arguments],
            env=os.environ | {"PYTHONHASHSEED": "0"}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"{module} failed: {_own_words(done.stderr)[-600:]}")
        dumps = sorted(Path(folder).glob("counts.*"), key=lambda path: int(path.suffix[1:]))
        return [int(_TOTAL.findall(path.read_text())[-1]) for path in dumps]


def _own_words(stderr: str) -> str:
    """Return what a program wrote itself, without the lines of valgrind."""
    return "\n".join(line for line in stderr.splitlines() if not line.startswith("=="))


def _callgrind(output: str, *options: str) -> tuple[str, ...]:
    return ("valgrind", "--tool=callgrind", f"--callgrind-out-file={output}", *options)
