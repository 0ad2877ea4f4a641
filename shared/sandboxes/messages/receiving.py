"""What a recipient says of a message: that it has it, and what it answers. Both may be said twice."""

from typing import Any

from shared.core import clock
from shared.core.actor import Actor
from shared.core.errors import Conflict, FieldError, Invalid, NotFound
from shared.core.ids import bare_id, id_or_none
from shared.core.situations import Situation
from shared.sandboxes.lifecycle.rows import Sandbox
from shared.sandboxes.messages.rows import DELIVERED, FAILED, REJECTED, RESPONSE, SENT, Message, MessageHead, Pair
from shared.sandboxes.messages.sending import NewMessage, draft_message, own_sandbox, post
from shared.sandboxes.messages.settling import record_change, set_delivered
from shared.store import Operation, get_many, id_of, retrying, save, write
