"""Who somebody is. So far there is one mode, `open`: each visitor picks a name."""

import hashlib
from functools import lru_cache

from server.model.messages import User


@lru_cache(maxsize=4096)
def open_user(client: str, name: str) -> User:
    """Who somebody is in `open` mode: the id is derived from the client, the name is what they say."""
    return User("u_" + hashlib.sha256(client.encode()).hexdigest()[:16], name)
