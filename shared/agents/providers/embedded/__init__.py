"""The embedded model: deterministic, offline, and not a language model.

It analyses the card's sentences, lists, criteria and documents with rules (`reading`, `brief`). A strategy for each agent role turns
the result into the work of that role, through the same tool calls that a hosted model would make. The same request always gives
the same stream.

The rules are for English. With cards in other languages every sentence, number and list is kept, but fewer clauses (who does what)
are recognised, so that the results have less detail.
"""

NAME = "embedded"
MODEL = "cadre-embedded-1"
