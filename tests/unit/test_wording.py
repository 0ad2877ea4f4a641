"""A message in the words of who reads it; what users wrote is nobody's word."""

from shared.core.errors import NotFound
from shared.core.wording import Wording, worded

WORDS = {"card": "ticket", "cards": "tickets", "lane": "phase", "lane_name": "{phase_id}"}


def test_a_message_is_put_into_other_words():
    full = Wording("{Card}s: the {lane} {lane_name} takes {cards} like {title}", lane_name="A", phase_id="{B}", title="a {card}")
    assert full == "Cards: the lane A takes cards like a {card}"
    assert worded(full, WORDS) == "Tickets: the phase {B} takes tickets like a {card}"
    assert worded(full, {}) == full


def test_what_names_nothing_of_ours_stays():
    assert worded("The card {card}", WORDS) == "The card {card}"
    assert worded("", WORDS) == ""


def test_what_is_missing_has_the_contracts_word():
    found = {kind: (NotFound(kind).message, worded(NotFound(kind).reason, WORDS)) for kind in ("card", "lane", "credit_note")}
    assert found == {
        "card": ("Card not found", "Ticket not found"),
        "lane": ("Lane not found", "Phase not found"),
        "credit_note": ("Credit note not found", "Credit note not found"),
    }
