"""auth: login, registration, sessions, profile."""

from shared.http.door import door

handler = door("auth", agentworks="functions.auth.agentworks")
