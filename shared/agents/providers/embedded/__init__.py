"""The embedded model: deterministic, offline, free, and not a language model. It quotes and asks.

It files the card's own lines by what they are (`reading`, `filing`) and puts them, each agent in its own order (`outputs`), between
fixed sentences (`wording`), through the same tool calls that a language model would make. It never writes a sentence of its own:
every line is a quotation or stands in the table. A card that asks for nothing definite gets questions and nothing else.
"""

NAME = "embedded"
MODEL = "cadre-embedded-1"
