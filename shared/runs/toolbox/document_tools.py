"""Tools for documents, tasks and discoveries."""

from typing import Final

from shared.agents import tools
from shared.core.actor import Permission
from shared.runs.toolbox.call_context import CallContext, ToolOutput, headline
from shared.store import load
from shared.work.discoveries.rows import create_discovery
from shared.work.documents import reading, writing
from shared.work.items.rows import Item
from shared.work.projects.rows import Project
from shared.work.tasks.creating import create_task as new_task

MAX_LISTED: Final = 500  # documents, about 20,000 tokens: more would leave a model no room for its work


def list_documents(context: CallContext, _: tools.ListDocuments) -> ToolOutput:
    card = load(Item, context.card_id, context.actor, Permission.CARD_READ)
    project = load(Project, str(card.proj_id), context.actor, Permission.PROJECT_READ)
    rows, are_all = reading.newest_rows(project.id, MAX_LISTED)
    more = (
        {}
        if are_all and len(rows) <= MAX_LISTED
        else {"more": f"Only the {MAX_LISTED} documents that were changed last are shown"}
    )
    return {
        "documents": [
            {
                "id": row.id,
                "type": row.f["type"],
                "title": row.f["title"],
                "status": row.f["status"],
                "version": row.f["number"],
            }
            for row in rows[:MAX_LISTED]
        ]
    } | more, None


def read_document(context: CallContext, arguments: tools.ReadDocument) -> ToolOutput:
    page = reading.get_document(context.actor, context.refs.get(arguments.document_id, arguments.document_id))
    document = page.document
    return {
        "id": document.id,
        "type": document.type,
        "title": document.title,
        "status": document.status,
        "version": int(document.number),
        "content": page.content,
    }, None


def write_document(context: CallContext, arguments: tools.WriteDocument) -> ToolOutput:
    card = load(Item, context.card_id, context.actor, Permission.CARD_EDIT)
    document = writing.write_document(
        context.actor,
        str(card.proj_id),
        arguments.type,
        arguments.title,
        arguments.content,
        document_id=context.new_id,
        item_id=card.id,
        run_id=context.run_id,
    )
    effect = {"kind": "document", "id": document.id, "title": document.title, "type": document.type}
    return {"id": document.id, "title": document.title, "version": int(document.number)}, effect


def create_task(context: CallContext, arguments: tools.CreateTask) -> ToolOutput:
    card = load(Item, context.card_id, context.actor, Permission.CARD_EDIT)
    task = new_task(
        context.actor,
        card,
        context.new_id,
        arguments.title,
        arguments.description,
        task_type=arguments.task_type,
        priority=arguments.priority,
        depends_on=[context.refs.get(one, one) for one in arguments.depends_on],
        run_id=context.run_id,
    )
    effect = {"kind": "task", "id": task.id, "title": task.title}
    return {"id": task.id, "title": task.title}, effect | ({"ref": arguments.ref} if arguments.ref else {})


def raise_discovery(context: CallContext, arguments: tools.RaiseDiscovery) -> ToolOutput:
    card = load(Item, context.card_id, context.actor, Permission.CARD_EDIT)
    discovery = create_discovery(
        context.actor, card, context.new_id, arguments.type, arguments.description, arguments.priority, run_id=context.run_id
    )
    effect = {"kind": "discovery", "id": discovery.id, "title": headline(arguments.description)}
    return {"id": discovery.id, "type": discovery.type, "status": discovery.status}, effect
