"""Messages that name things of the platform. The core says card and lane; a contract puts its own words for them (ticket, phase)."""

from collections.abc import Mapping
from typing import Any


class Wording(str):
    """A message in the core's words: `Wording("The {lane} {lane_name} is full", lane_name=lane.name)`.

    A name in braces is a value, or else the thing itself (`{card}`, `{cards}`, at the beginning of a sentence `{Card}`). What users wrote
    is given as a value, so that no word in it is taken for a thing.
    """

    template: str
    values: Mapping[str, Any]

    def __new__(cls, template: str, **values: Any) -> "Wording":
        made = super().__new__(cls, _render(template, values, {}))
        made.template, made.values = template, values
        return made

    def within(self, words: Mapping[str, str]) -> str:
        """Return the message with a contract's words. A word may contain values: `{"lane_name": "{phase_id}"}`."""
        return _render(self.template, self.values, words)


class _Names(dict[str, Any]):
    def __missing__(self, name: str) -> str:
        if name[0].isupper():
            word = str(self[name[0].lower() + name[1:]])
            return word[0].upper() + word[1:]
        return name.replace("_", " ")


def _render(template: str, values: Mapping[str, Any], words: Mapping[str, str]) -> str:
    ours = {name: word.format_map(_Names(values)) for name, word in words.items()}
    return template.format_map(_Names({**values, **ours}))


def worded(message: str, words: Mapping[str, str]) -> str:
    """Return a message in a contract's words; one that names nothing of ours is unchanged."""
    return message.within(words) if isinstance(message, Wording) else message
