"""omoios: tickets. A ticket is a card: both contracts read and write the same rows."""

from shared.core.actor import Permission
from shared.edge.contracts.omoios import OMOIOS
from shared.edge.http.call import Caller
from shared.edge.http.routing import Routes
from shared.edge.views.omoios.tickets import Ticket, ticket
from shared.store import load
from shared.work.items.rows import Item

routes = Routes(OMOIOS, "cards")


@routes.get("/tickets/{ticket_id}", "tickets.get", permission=Permission.CARD_READ)
async def get_ticket(ticket_id: str, caller: Caller) -> Ticket:
    """Get a ticket."""
    return ticket(load(Item, ticket_id, caller, Permission.CARD_READ))
