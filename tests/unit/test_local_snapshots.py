"""Snapshots of what changes while it is read."""

import json
import threading

from local.snapshots import _encoded


def test_what_never_stops_changing_is_saved_all_the_same() -> None:
    rows = dict.fromkeys(map(str, range(300_000)), 0)
    stop = threading.Event()

    def change() -> None:
        while not stop.is_set():
            rows.pop("other", None)
            rows["other"] = 0

    def walk() -> dict[str, int]:
        return {key: value for key, value in rows.items() if value == 0}

    threads = [threading.Thread(target=change) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        saved = _encoded("sqs", walk)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert saved is not None
    assert len(json.loads(saved)["payload"]) >= 300_000
