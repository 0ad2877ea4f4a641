"""boards: lanes, columns, and what may be where."""

from shared.http.door import door

handler = door("boards", agentworks="functions.boards.agentworks", omoios="functions.boards.omoios")
