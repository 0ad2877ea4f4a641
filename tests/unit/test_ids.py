"""Ids, and where the chance in them comes from."""

import subprocess
import sys
from pathlib import Path

from tests.shell import shell

ROOT = Path(__file__).parents[2]
# What Lambda does with a snapshot: the module is imported and used, the process is copied (by the kernel, without what Python does at
# a fork), and each copy calls what was registered. It prints the chance in each copy's next id, and in its next pause
COPIES = """
import ctypes, os, random, sys, types
hooks = []
lambdas = types.ModuleType("snapshot_restore_py")
lambdas.register_after_restore = hooks.append
sys.modules["snapshot_restore_py"] = lambdas
from shared.core.ids import new_id
new_id(), random.random()
copy = ctypes.CDLL(None).fork()
for hook in hooks:
    hook()
os.write(1, f"{new_id()[-8:]} {random.random()}\\n".encode())
if copy:
    os.waitpid(copy, 0)
os._exit(0)
"""


def test_processes_from_one_snapshot_do_not_share_their_chance() -> None:
    done = subprocess.run(  # noqa: S603 - our own interpreter and text
        [sys.executable, "-c", COPIES],
        cwd=ROOT,
        env=shell(AWS_LAMBDA_INITIALIZATION_TYPE="snap-start"),
        capture_output=True,
        text=True,
        check=True,
    )
    one, other = (line.split() for line in done.stdout.splitlines())
    assert one[0] != other[0]
    assert one[1] != other[1]
