"""Who somebody is: people, sessions, tokens, invitations, and what was done about access.

`desk.Accounts` is what others use. All of it is kept as entries of the store (`server.stores.entries`), so
that every instance knows the same; secrets are kept as hashes only.
"""

import hashlib
from functools import lru_cache

from server.model.messages import User


@lru_cache(maxsize=4096)
def open_user(client: str, name: str) -> User:
    """Who somebody is in `open` mode: the id is derived from the client, the name is what they say."""
    return User("u_" + hashlib.sha256(client.encode()).hexdigest()[:16], name)


@lru_cache(maxsize=4096)
def guest(client: str, name: str) -> User:
    """Who somebody without an account is: nobody who could be a member of a board."""
    return User("g_" + hashlib.sha256(client.encode()).hexdigest()[:16], name)
