"""omoios: tickets, events, and the filters of a listener."""
