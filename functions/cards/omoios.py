"""omoios: tickets. A card is a ticket: what one contract writes the other one reads."""

from shared.contracts.omoios import OMOIOS
from shared.core.actor import Permission
from shared.http.call import Caller
from shared.http.routing import Routes
from shared.items.rows import Item
from shared.store import load
from shared.views.omoios import Ticket, ticket

routes = Routes(OMOIOS, "cards")


@routes.get("/tickets/{ticket_id}", "tickets.get", needs=Permission.CARD_READ)
async def get_ticket(ticket_id: str, caller: Caller) -> Ticket:
    """A ticket."""
    return ticket(load(Item, ticket_id, caller, Permission.CARD_READ))
