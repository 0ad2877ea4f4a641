"""documents: a project's documents, their versions, their revisions."""

from shared.edge.http.lambda_handler import lambda_handler

handler = lambda_handler("documents", agentworks="functions.documents.agentworks")
