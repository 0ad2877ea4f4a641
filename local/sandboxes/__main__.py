"""The sandbox host's own process: `python -m local.sandboxes <folder> <port> <parent>`, started by `local.stack` and by nothing else.

The key is the first line of its standard input, so that no environment has it.
"""

import hashlib
import os
import shutil
import signal
import sys
import tempfile
import threading
from pathlib import Path

from local.building.processes import adopt_orphans
from local.parent import stop_with_parent
from local.sandboxes.host import Sandboxes, server


def main() -> None:
    """Serve until a signal comes; then end all sandboxes."""
    folder, port, parent = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    key = sys.stdin.readline().strip()
    stop_with_parent(parent)
    adopt_orphans()
    sandboxes = Sandboxes(folder, _run_folder(folder))
    listening = server(sandboxes, port, key)
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    threading.Thread(target=listening.serve_forever, daemon=True).start()
    threading.Thread(target=sandboxes.watch, daemon=True).start()
    print("ready", flush=True)
    ended.wait()
    sandboxes.stop_all()
    os._exit(0)


def _run_folder(folder: Path) -> Path:
    """Return an empty folder with a short name, which only this user can enter; what a killed host left in it is removed."""
    name = f"cadre-{os.getuid()}-{hashlib.sha256(str(folder.absolute()).encode()).hexdigest()[:12]}"
    run = Path(tempfile.gettempdir()) / name
    if run.is_symlink() or (run.exists() and run.stat().st_uid != os.getuid()):
        raise SystemExit(f"{run} belongs to somebody else")
    shutil.rmtree(run, ignore_errors=True)
    run.mkdir(mode=0o700)
    return run


if __name__ == "__main__":
    main()
