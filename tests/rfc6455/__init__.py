"""RFC 6455 section by section: what a server must make of a client's frames, as bytes in and frames out."""
