"""Who asks: the address behind a trusted proxy, and whether they came by TLS. Pure."""

import ipaddress
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

MOST_HOPS = 10
"""Entries of X-Forwarded-For that are looked at, from the end; whoever writes more wants to keep us busy."""
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Caller(NamedTuple):
    """`address`: whose it is; `secure`: by TLS, as far as we know. `shared`: it stands for many, being this
    machine itself or a proxy that does not say for whom it asks."""

    address: str
    secure: bool
    shared: bool

    @property
    def home(self) -> str:
        """What limits go by: an IPv6 customer has a whole network of addresses to choose from."""
        return _home(self.address)


class Proxies:
    """The proxies that are believed. `networks`: addresses and networks, checked."""

    def __init__(self, networks: Iterable[str]) -> None:
        self._networks = tuple(ipaddress.ip_network(network) for network in networks)

    def trusts(self, address: str) -> bool:
        parsed = parse(address)
        return parsed is not None and any(parsed in network for network in self._networks)

    def home_of(self, peer: str) -> str | None:
        """What a connection counts for, before anything was said on it; None: it may stand for many."""
        caller = Caller(peer, False, False)
        return None if is_loopback(peer) or self.trusts(peer) else caller.home

    def caller(self, peer: str, secure: bool, forwarded_for: str, forwarded_proto: str) -> Caller:
        """Who is behind the connection from `peer`. The headers count when a proxy of ours wrote them.

        Each proxy adds the one that it heard from at the end. Read from there, the first that is not ours is
        the caller: what stands before was written by them, and may be anything.
        """
        if not self._networks or not self.trusts(peer):
            return Caller(peer, secure, is_loopback(peer))
        address = peer
        for hop in reversed(forwarded_for.rsplit(",", MOST_HOPS)[-MOST_HOPS:]):
            parsed = parse(_without_port(hop.strip()))
            if parsed is None:
                break
            address = str(parsed)
            if not self.trusts(address):
                break
        if forwarded_proto:
            secure = forwarded_proto.rpartition(",")[2].strip().lower() == "https"
        return Caller(address, secure, address == peer)


@lru_cache(maxsize=4096)
def parse(address: str) -> Address | None:
    """The address, one of IPv4 also when it is written as IPv6; None: it is none."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return None
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return mapped or parsed


@lru_cache(maxsize=4096)
def _home(address: str) -> str:
    parsed = parse(address)
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return address if parsed is None else str(parsed)


@lru_cache(maxsize=4096)
def is_loopback(address: str) -> bool:
    parsed = parse(address)
    return parsed is not None and parsed.is_loopback


def _without_port(hop: str) -> str:
    """Some proxies write `192.0.2.1:4711` or `[2001:db8::1]:4711`."""
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    return hop.partition(":")[0] if hop.count(":") == 1 else hop
