"""Requests of the area `insights`."""

from shared.core import clock
from shared.core.ids import new_id
from shared.insight.search.filing import file_entry
from shared.insight.search.rows import Entry
from shared.insight.statistics.files import count_files
from shared.source.commits.changes import ChangedFile
from shared.source.commits.rows import Commit, commit_id
from shared.store import create, fetch, write
from shared.work.items.rows import Item
from tests.samples.stage import PRD, Sample, Samples, Stage


def commit(stage: Stage, subject: str = "Walruses swim", **more: object) -> Commit:
    """A commit of the stage's project that searches find, without its event."""
    project, sha = stage.world.project, new_id().replace("-", "") + "00000000"
    fields = {"author": "Ada", "date": clock.iso(), "agent_id": PRD.id, "card_id": new_id()}
    row = Commit.new(
        commit_id(stage.world.ws_id, sha),
        org_id=project.org_id,
        ws_id=project.ws_id,
        proj_id=project.id,
        sha=sha,
        repository_id=new_id(),
        repo="acme/engine",
        subject=subject,
        message=subject,
        url=f"https://github.com/acme/engine/commit/{sha}",
        **fields | more,
    )
    write(create(row))
    file_entry(Entry("commit", row.id, stage.world.ws_id, project.id, row.date, subject, sha))
    return row


def _filed(stage: Stage) -> Sample:
    """A ticket and a commit that searches find."""
    card = stage.card()
    file_entry(Entry("ticket", card, stage.world.ws_id, stage.world.project.id, clock.iso(), "Walruses dive"))
    commit(stage)
    return Sample({}, query=f"q=walr&project_id={stage.world.project.id}")


def _tickets(stage: Stage) -> Sample:
    _filed(stage)
    return Sample({}, query=f"q=walrus&filters=%7B%22project_id%22:%22{stage.world.project.id}%22%7D")


def _commits(stage: Stage) -> Sample:
    commit(stage)
    return Sample({}, query=f"q=walrus&project_id={stage.world.project.id}")


def _changed(stage: Stage) -> Sample:
    """A project with a file that a commit has changed."""
    write(count_files(stage.world.project.id, None, [ChangedFile("main.py", "modified", 2, 1)]))
    return Sample({}, query=f"project_id={stage.world.project.id}")


def _worked(stage: Stage) -> Sample:
    """A ticket on which an agent works."""
    card = stage.card()
    item = fetch(Item, card)
    assert item is not None
    stage.world.run(item)
    return Sample({"ticket_id": card})


SAMPLES: Samples = {
    ("omoios", "statistics.projectOverview"): lambda s: Sample({"project_id": s.world.project.id}),
    ("omoios", "statistics.tickets"): lambda s: Sample({}, query=f"project_id={s.world.project.id}"),
    ("omoios", "statistics.agents"): lambda s: Sample({}, query=f"project_id={s.world.project.id}"),
    ("omoios", "statistics.commits"): _changed,
    ("omoios", "search.global"): _filed,
    ("omoios", "search.tickets"): _tickets,
    ("omoios", "search.commits"): _commits,
    ("omoios", "time.ticket"): _worked,
    ("omoios", "time.agent"): lambda _: Sample({"agent_id": PRD.id}),
}
