"""The web side: Tornado and nothing else. Everything a handler decides, it asks `server` for."""
