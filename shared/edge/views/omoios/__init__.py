"""What omoios shows of entities and events, where more than one area or the sockets show it."""
