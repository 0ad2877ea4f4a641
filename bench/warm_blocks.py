"""The child process of `bench.warm`: blocks of requests to our handlers and to the bare one, with AWS played from a tape.

    python -m bench.warm_blocks FILE cpu      # alternating blocks, CPU microseconds a request, as JSON
    python -m bench.warm_blocks FILE count    # one block each, its end marked for callgrind
    python -m bench.warm_blocks FILE once     # one request each, of sides that are compared with nothing (`bench.growth`)

A process of its own, because the one that recorded has moto and the shorter ways of the tests (`tests/moto_speed.py`) in it.
"""

import gc
import json
import os
import pickle
import statistics
import sys
import time
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime
from importlib import import_module
from pathlib import Path
from threading import Barrier
from typing import Any

from bench.callgrind import mark
from bench.replaying import Key, Recorded, Tape, answer_everything, playing

ROUNDS, BLOCK, LONG_BLOCK = 15, 100, 20
COUNTED = 5  # requests of a counted block: callgrind needs fifty times the time, and repeats to four digits


@dataclass(frozen=True)
class Side:
    """One request to a handler and the AWS responses that it needs; `beside` is how many of them are read ahead, `size` the length of
    the answer."""

    module: str
    event: dict[str, Any]
    responses: list[tuple[Key, Recorded]]
    beside: int
    size: int


@dataclass(frozen=True)
class Case:
    """An operation, and the bare handler that it is compared with."""

    name: str
    ours: Side
    bare: Side


@dataclass(frozen=True)
class Recording:
    """Everything that a child needs: the environment, the signing secret, the moment at which time stands still, the leases of requests,
    and the cases."""

    environment: dict[str, str]
    secret: str
    moment: datetime
    leases: dict[str, Any]
    cases: list[Case]
    alone: list[Side] = field(default_factory=list)
    """Sides that are compared with nothing."""


class Player:
    """Runs blocks of requests of one side."""

    def __init__(self, side: Side, leases: dict[str, Any]) -> None:
        self._side, self._leases = side, leases
        module = import_module(side.module)
        self._handler = module.handler
        if side.module == "bench.bare":
            self._events = module.client.meta.events
        else:
            from shared.store.client import the_client

            self._events = the_client().meta.events
        self._tape = Tape()
        for key, recorded in side.responses:
            self._tape.keep(key, recorded)

    def run(self, times: int) -> float:
        """Run the request `times` times; return the CPU seconds."""
        from shared.people.access.quota_leases import PROCESS_LEASES

        vars(PROCESS_LEASES).update(deepcopy(self._leases))
        self._tape.at = 0
        handler, event = self._handler, self._side.event
        with playing(self._events, self._tape):
            mark()
            started = time.process_time()
            for _ in range(times):
                answer = handler(event, None)
            spent = time.process_time() - started
            mark()
            _let_reads_end()
        most = times * len(self._side.responses)
        least = (
            most - times * self._side.beside
        )  # a read that began ahead and that nobody needs is dropped, if it has not been sent
        if answer["statusCode"] >= 300 or not least <= self._tape.at <= most:
            raise RuntimeError(f"{answer['statusCode']}, {self._tape.at} round trips instead of {least} to {most}")
        if len(answer["body"]) != self._side.size:
            raise RuntimeError(f"an answer of {len(answer['body'])} characters instead of {self._side.size}")
        return spent


def _let_reads_end() -> None:
    """Wait for reads that began ahead and that nobody needed, so that they are not counted as the next block's."""
    from shared.store import ahead

    together = Barrier(ahead._THREADS)
    for waiting in [ahead._pool().submit(together.wait) for _ in range(ahead._THREADS)]:
        waiting.result()


def load(file: Path) -> Recording:
    """Load what was recorded, and stop the clock at that moment."""
    recording: Recording = pickle.loads(file.read_bytes())  # noqa: S301 - written by `bench.warm` a moment ago
    os.environ |= recording.environment
    from shared.core import clock

    clock.now = lambda: recording.moment
    answer_everything(lambda operation, _: json.dumps({"GetSecretValue": {"SecretString": recording.secret}}[operation]).encode())
    import_module("shared.edge.http.log").logger.registered_handler.setStream(Path(os.devnull).open("w"))  # noqa: SIM115 - as long as this process
    return recording


def players(recording: Recording) -> list[tuple[Case, Player, Player]]:
    return [(case, Player(case.ours, recording.leases), Player(case.bare, recording.leases)) for case in recording.cases]


def cpu(case: Case, ours: Player, bare: Player) -> dict[str, Any]:
    """Return the medians of the CPU microseconds of both sides, and of the ratios of neighbouring blocks."""
    block = LONG_BLOCK if case.name.startswith("list") else BLOCK
    ours.run(block), bare.run(block)
    pairs = [(bare.run(block) / block * 1e6, ours.run(block) / block * 1e6) for _ in range(ROUNDS)]
    return {
        "operation": case.name,
        "us": statistics.median(mine for _, mine in pairs),
        "bare_us": statistics.median(theirs for theirs, _ in pairs),
        "trips": len(case.ours.responses) - case.ours.beside,
        "beside": case.ours.beside,
        "ratio": statistics.median(mine / theirs for theirs, mine in pairs),
    }


def count(player: Player, before: int, times: int) -> None:
    """Run a short block, then the one that counts."""
    player.run(before)
    gc.collect()
    gc.freeze()
    player.run(times)


def main(file: str, what: str) -> None:
    recording = load(Path(file))
    if what == "count":
        for _, ours, bare in players(recording):
            count(ours, 3, COUNTED)
            count(bare, 3, COUNTED)
    elif what == "once":
        for side in recording.alone:
            count(Player(side, recording.leases), 1, 1)
    else:
        print(json.dumps([cpu(*one) for one in players(recording)]))


if __name__ == "__main__":
    main(*sys.argv[1:])
