"""omoios: tickets, the events, and what a listener may filter them by."""
