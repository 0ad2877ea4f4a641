"""Terminal sessions of clients that watch a card: greeting, catching up, pausing, replay, search."""
