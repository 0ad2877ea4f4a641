"""documents: a project's documents, their versions, their revisions."""

from shared.http.door import door

handler = door("documents", agentworks="functions.documents.agentworks")
