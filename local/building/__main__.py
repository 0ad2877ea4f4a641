"""The build host's own process: `python -m local.building <folder> <port>`, started by `local.stack` and by nothing else.

`CADRE_BUILD_LIMITS` may hold other limits as JSON.
"""

import json
import os

from local.building import Limits
from local.building.host import Builds, server
from local.building.processes import adopt_orphans
from local.host_server import read_start, serve

_END_WITHIN = 3.0


def main() -> None:
    """Serve until a signal comes; then end what builds."""
    started = read_start()
    adopt_orphans()
    builds = Builds(started.folder, Limits(**json.loads(os.environ.pop("CADRE_BUILD_LIMITS", "{}"))))

    def end() -> None:
        builds.cancel_all()
        builds.idle.wait(_END_WITHIN)

    serve(server(builds, started.port, started.key), builds.work, end)


if __name__ == "__main__":
    main()
