"""documents: a project's documents, their versions, their revisions."""

from shared.edge.http.lambda_handler import door

handler = door("documents", agentworks="functions.documents.agentworks")
