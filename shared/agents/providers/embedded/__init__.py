"""The embedded model: deterministic, offline, and honest about what it is.

It is no language model. It reads the card's sentences, lists, criteria and documents with plain text analysis (`reading`,
`brief`), and a strategy for each agent role turns them into the work that role owes, through the same tool calls a hosted
model would make. The same request always gives the same stream.

The analysis speaks English. Cards in other languages keep every sentence, number and list, but fewer of them are recognised as
who does what, so what is derived from them is plainer.
"""

NAME = "embedded"
MODEL = "cadre-embedded-1"
