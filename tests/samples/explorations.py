"""Requests of the area `explorations`: the document's own."""

from shared.planning.explorations import exploring, initializing, papers, specs
from shared.work.documents import approving
from tests.samples.stage import Sample, Samples, Stage

IDEA = "I want to create an authentication system with plugins"
FEEDBACK = {"feedback": "Add multi-tenant support", "changes": ["Add REQ-024 for multi-tenant isolation"]}
SPEC_NAME = "authentication-system"


# made by the services: the owner's requests of a minute are for what is tried


def exploration(stage: Stage) -> str:
    workspace = exploring.workspace_for(stage.world.actor, stage.world.ws_id)
    return exploring.start(stage.world.actor, workspace, IDEA).exploration.id


def listed(stage: Stage) -> Sample:
    exploration(stage)
    return Sample({}, query=f"workspace_id={stage.world.ws_id}")


def with_requirements(stage: Stage, *, approved: bool = False) -> str:
    made = exploration(stage)
    document = papers.generate_requirements(stage.world.actor, made).document
    if approved:
        approving.approve(stage.world.actor, document.id)
    return made


def document(stage: Stage) -> str:
    """A draft that nobody has approved."""
    return papers.generate_requirements(stage.world.actor, exploration(stage)).document.version_id


def with_design(stage: Stage, *, approved: bool = False) -> str:
    made = with_requirements(stage, approved=True)
    document = papers.generate_design(stage.world.actor, made).document
    if approved:
        approving.approve(stage.world.actor, document.id)
    return made


def spec(stage: Stage) -> str:
    return specs.generate_spec(stage.world.actor, with_design(stage, approved=True), SPEC_NAME).spec.id


def with_spec(stage: Stage) -> str:
    made = with_design(stage, approved=True)
    specs.generate_spec(stage.world.actor, made, SPEC_NAME)
    return made


def project(stage: Stage) -> str:
    return initializing.initialize(stage.world.actor, with_spec(stage), stage.slug()).project_id


SAMPLES: Samples = {
    ("omoios", "exploration.start"): lambda s: Sample({}, {"initial_idea": IDEA, "workspace_id": s.world.ws_id}),
    ("omoios", "exploration.list"): listed,
    ("omoios", "exploration.get"): lambda s: Sample({"exploration_id": with_design(s)}),
    ("omoios", "exploration.answer"): lambda s: Sample(
        {"exploration_id": exploration(s)}, {"question_id": "q-1", "answer_text": "OAuth2, JWT, and API keys"}
    ),
    ("omoios", "exploration.generateRequirements"): lambda s: Sample({"exploration_id": exploration(s)}),
    ("omoios", "exploration.refineRequirements"): lambda s: Sample({"exploration_id": with_requirements(s)}, FEEDBACK),
    ("omoios", "exploration.generateDesign"): lambda s: Sample({"exploration_id": with_requirements(s, approved=True)}),
    ("omoios", "exploration.generateSpec"): lambda s: Sample(
        {"exploration_id": with_design(s, approved=True)}, {"spec_name": SPEC_NAME}
    ),
    ("omoios", "exploration.initializeProject"): lambda s: Sample(
        {"exploration_id": with_spec(s)}, {"project_name": s.slug(), "create_tickets": True}
    ),
    ("omoios", "specs.get"): lambda s: Sample({"spec_id": spec(s)}),
    ("omoios", "specs.file"): lambda s: Sample({"spec_id": spec(s), "file_name": "tasks.md"}),
    ("omoios", "specs.extractProperties"): lambda s: Sample({"spec_id": spec(s)}),
    ("omoios", "specs.generateTasks"): lambda s: Sample({"spec_id": spec(s)}),
}
