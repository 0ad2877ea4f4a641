"""The build host's own process: `python -m local.building <folder> <port>`, started by `local.stack` and by nothing else.

The key is the first line of its standard input, so that no environment has it; `CADRE_BUILD_LIMITS` may hold other limits as JSON.
"""

import json
import os
import signal
import sys
import threading
from pathlib import Path

from local.building import Limits
from local.building.host import Builds, server
from local.building.processes import adopt_orphans
from local.parent import stop_with_parent

_END_WITHIN = 3.0


def main() -> None:
    """Serve until a signal comes; then end what builds."""
    folder, port, parent = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    key = sys.stdin.readline().strip()
    stop_with_parent(parent)
    adopt_orphans()
    builds = Builds(folder, Limits(**json.loads(os.environ.pop("CADRE_BUILD_LIMITS", "{}"))))
    listening = server(builds, port, key)
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    threading.Thread(target=listening.serve_forever, daemon=True).start()
    threading.Thread(target=builds.work, daemon=True).start()
    print("ready", flush=True)
    ended.wait()
    builds.cancel_all()
    builds.idle.wait(_END_WITHIN)
    os._exit(0)


if __name__ == "__main__":
    main()
