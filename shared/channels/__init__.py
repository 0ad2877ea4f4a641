"""Ways out of the platform: mail, sockets, exported files."""
