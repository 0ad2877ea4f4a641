"""The sandbox host's own process: `python -m local.sandboxes <folder> <port> <parent>`, started by `local.stack` and by nothing else."""

import hashlib
import os
import shutil
import tempfile
from pathlib import Path

from local.building.processes import adopt_orphans
from local.host_server import read_start, serve
from local.sandboxes.host import Sandboxes, server


def main() -> None:
    """Serve until a signal comes; then end all sandboxes."""
    started = read_start()
    adopt_orphans()
    sandboxes = Sandboxes(started.folder, _run_folder(started.folder))
    serve(server(sandboxes, started.port, started.key), sandboxes.watch, sandboxes.stop_all)


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
