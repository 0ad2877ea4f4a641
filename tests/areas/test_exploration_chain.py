"""From an exploration's requirement to what is deployed: one chain, whichever contract made its links."""

from dataclasses import replace

from shared.delivery.builds.recording import NewBuild, record_build
from shared.delivery.deployments.deploying import NewDeployment, request_deployment
from shared.delivery.deployments.rows import Environment
from shared.planning.explorations import exploring, initializing, papers, specs
from shared.store import collection, fetch, save, write
from shared.work.documents import approving
from shared.work.items.rows import Item
from shared.work.projects.rows import Project
from shared.work.tasks.rows import Task, tasks_of_card
from tests.areas.boards_world import World, put_on_plan
from tests.areas.deploying import configure
from tests.areas.github_world import Octo

IDEA = "A diary for families. Parents can write entries. When an entry is written, notify the family."


def explored(world: World) -> tuple[str, list[Item]]:
    """A project that an exploration has become, and its cards."""
    actor = world.actor
    made = exploring.start(actor, exploring.workspace_for(actor, world.ws_id), IDEA).exploration.id
    approving.approve(actor, papers.generate_requirements(actor, made).document.id)
    approving.approve(actor, papers.generate_design(actor, made).document.id)
    specs.generate_spec(actor, made, "diary")
    initializing.initialize(actor, made, "Diary")
    project = fetch(Project, made)
    assert project is not None
    rows = collection(1, f"BOARD#{project.board_id}#ITEM")
    return made, [card for row in rows if (card := fetch(Item, row.id)) is not None]


def test_a_requirement_of_an_exploration_is_traced_to_its_deployment(octo: Octo):
    world = octo.world
    put_on_plan(world.ws_id, maxProjects=5)
    project_id, cards = explored(world)
    assert octo.connect(project_id=project_id).status == 201
    epic = next(card for card in cards if card.type == "epic" and "Parents can write entries" in card.title)
    feature = next(card for card in cards if card.parent_id == epic.id)
    assert (epic.context, feature.context) == ({"requirement": "REQ-002"}, {"requirement": "REQ-002"})
    tasks = [fetch(Task, row.id) for row in collection(2, tasks_of_card(feature.id))]

    # the commit names the task, and is linked to its ticket
    sha = octo.github.commit(f"Write entries\n\ntask-{tasks[0].id}, ticket-{feature.id}")
    octo.happens("push", octo.github.push(sha))
    assert [one["commit_sha"] for one in octo.commits(feature.id)] == [sha]
    merged = octo.github.pull(7, action="opened", branch=f"task-{tasks[0].id}")
    octo.happens("pull_request", merged)
    octo.happens("pull_request", octo.github.pull(7, action="closed", merged=True, branch=f"task-{tasks[0].id}"))
    assert fetch(Task, tasks[0].id).status == "completed"

    build = record_build(world.actor, feature.id, NewBuild("1.0.0", sha, "main"))
    configure(replace(world, project=fetch(Project, project_id)))
    deployment = request_deployment(world.actor, build.id, NewDeployment("staging"))
    deployment.status, deployment.phase = "success", "finish"
    environment = fetch(Environment, deployment.environment_id)
    assert environment is not None
    environment.deployment_id = None
    write(save(deployment), save(environment))

    chain = world.ada.at("enterprise")("delivery", "GET", f"/requirements/{epic.id}/trace")
    assert chain.status == 200, chain.text
    found = {name: [one["id"] for one in chain.json["data"][name]] for name in ("features", "builds", "deployments")}
    assert found == {"features": [feature.id], "builds": [build.id], "deployments": [deployment.id]}
    back = world.ada.at("enterprise")("delivery", "GET", f"/deployments/{deployment.id}/trace")
    assert (back.status, epic.id in back.text) == (200, True), back.text
    # and from the requirement back to the words of the person
    document = next(
        one for one in world.ada("documents", "GET", f"/projects/{project_id}/docs").json["documents"] if one["type"] == "prd"
    )
    text = world.ada("documents", "GET", f"/documents/{document['id']}").json["content"]
    assert "### REQ-002: Parents can write entries" in text
    assert "Source: Idea: “Parents can write entries”" in text
