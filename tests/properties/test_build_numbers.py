"""The builds of a project have the numbers from 1 on without gaps, however many are recorded at once and whoever dies."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from shared.delivery.builds.recording import NewBuild, record_build
from shared.delivery.builds.rows import Build
from shared.store import collection
from shared.work.items import planning, tracing
from tests.areas.boards_world import create_world
from tests.kills import crash_at_write

pytestmark = pytest.mark.usefixtures("aws")
NEW = NewBuild("1.0.0", "abc123", "main")


@pytest.mark.parametrize("dies", [None, 1, 3])
def test_numbers_have_no_gaps_when_builds_race(dies):
    world = create_world()
    parent = planning.create_requirement(world.actor, world.board.id, planning.NewRequirement("One", "Words", ["It works"]))
    features = [planning.create_feature(world.actor, parent.id, planning.NewFeature(name, "Words")).id for name in ("Aa", "Bb")]
    with crash_at_write(dies) if dies else crash_at_write(None), ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda number: record_build(world.actor, features[number % 2], NEW), range(8)))
    rows = [row for row in collection(tracing.INDEX, tracing.partition_of(world.project.id)) if row.kind == Build.KIND][::-1]
    assert [int(row.f["number"]) for row in rows] == list(range(1, len(rows) + 1))
    assert len(rows) == (8 if dies is None else len(rows))
