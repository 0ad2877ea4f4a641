"""omoios: the filters of a listener, in the order of an event's own three names."""

FILTERS = ("event_types", "entity_types", "entity_ids")
