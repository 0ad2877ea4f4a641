"""The embedded model: deterministic, offline, free, and not a language model. It quotes and asks.

It files the card's own lines (`reading`, `filing`), quotes them between fixed sentences, each agent in its own order (`outputs`), and
makes the tool calls that a language model would make (`model`). A card that asks for nothing definite gets questions and nothing else.
"""

NAME = "embedded"
MODEL = "cadre-embedded-1"
