"""The tools that write: documents, tasks, discoveries."""

from shared.agents import tools
from shared.core.actor import Permission
from shared.runs.toolbox.call_context import Done, Work
from shared.store import load
from shared.work.discoveries.rows import create_discovery
from shared.work.documents import reading, writing
from shared.work.items.rows import Item
from shared.work.tasks.rows import create_task as new_task


def list_documents(work: Work, _: tools.ListDocuments) -> Done:
    card = load(Item, work.card_id, work.actor, Permission.CARD_READ)
    rows = reading.list_document_rows(work.actor, str(card.proj_id))
    return {
        "documents": [
            {
                "id": row.id,
                "type": row.f["type"],
                "title": row.f["title"],
                "status": row.f["status"],
                "version": row.f["number"],
            }
            for row in rows
        ]
    }, None


def read_document(work: Work, given: tools.ReadDocument) -> Done:
    page = reading.get_document(work.actor, work.refs.get(given.document_id, given.document_id))
    document = page.document
    return {
        "id": document.id,
        "type": document.type,
        "title": document.title,
        "status": document.status,
        "version": int(document.number),
        "content": page.content,
    }, None


def write_document(work: Work, given: tools.WriteDocument) -> Done:
    card = load(Item, work.card_id, work.actor, Permission.CARD_EDIT)
    document = writing.write_document(
        work.actor,
        str(card.proj_id),
        given.type,
        given.title,
        given.content,
        document_id=work.new_id,
        item_id=card.id,
        run_id=work.run_id,
    )
    made = {"kind": "document", "id": document.id, "title": document.title, "type": document.type}
    return {"id": document.id, "title": document.title, "version": int(document.number)}, made


def create_task(work: Work, given: tools.CreateTask) -> Done:
    card = load(Item, work.card_id, work.actor, Permission.CARD_EDIT)
    task = new_task(
        work.actor,
        card,
        work.new_id,
        given.title,
        given.description,
        task_type=given.task_type,
        priority=given.priority,
        depends_on=[work.refs.get(one, one) for one in given.depends_on],
        run_id=work.run_id,
    )
    made = {"kind": "task", "id": task.id, "title": task.title}
    return {"id": task.id, "title": task.title}, made | ({"ref": given.ref} if given.ref else {})


def raise_discovery(work: Work, given: tools.RaiseDiscovery) -> Done:
    card = load(Item, work.card_id, work.actor, Permission.CARD_EDIT)
    found = create_discovery(work.actor, card, work.new_id, given.type, given.description, given.priority, run_id=work.run_id)
    made = {"kind": "discovery", "id": found.id, "title": given.description[:120]}
    return {"id": found.id, "type": found.type, "status": found.status}, made
