"""boards: lanes, columns, and what may be where."""

from shared.edge.http.lambda_handler import door

handler = door("boards", agentworks="functions.boards.agentworks", omoios="functions.boards.omoios")
