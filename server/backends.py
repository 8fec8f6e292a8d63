"""The store and the broker that the configuration names. What is not used is not even imported."""

from collections.abc import Callable

import structlog

from server import brokers, stores
from server.accounts.desk import Accounts, AccountSettings
from server.brokers import Broker
from server.config import Config, ConfigError
from server.metrics import Metrics
from server.stores import Store

log = structlog.stdlib.get_logger("app")


def store_of(config: Config) -> Store:
    """The store of `store.url`, not yet started."""
    if config.shares_store:
        from server.stores.mongo import MongoStore

        return MongoStore(config.store.url, deadline_s=config.store.deadline_s)
    from server.stores.sqlite import SqliteStore

    return SqliteStore(config.sqlite_path, deadline_s=config.store.deadline_s)


def check_urls(config: Config) -> None:
    """Raises `ConfigError` for a URL that the store or the broker would refuse. Asks neither of them."""
    try:
        if config.shares_store:
            from server.stores.mongo.address import Address

            Address(config.store.url)
        if config.shares_broker:
            broker_of(config, Metrics())
    except (stores.Unusable, brokers.Failed) as error:
        key, _, problem = str(error).partition(": ")
        raise ConfigError(key, problem) from None


def accounts_of(config: Config, store: Store, clock: Callable[[], int]) -> Accounts | None:
    """None in `open` mode. `clock`: milliseconds since 1970."""
    if config.auth.mode == "open":
        return None
    auth = config.auth
    settings = AccountSettings(
        sign_up=auth.sign_up, session_days=auth.session_days, audit_days=auth.audit_days
    )
    if not config.identity.issuer:
        return Accounts(store, settings, clock)
    from server.accounts.outside import Keys, Outside, OutsideSettings, fetch_from

    given = config.identity
    asked = OutsideSettings(issuer=given.issuer, audience=given.audience, jwks=given.jwks)
    outside = Outside(asked, Keys(fetch_from(given.jwks)), clock)
    return Accounts(store, settings, clock, outside, create=given.create)


def broker_of(config: Config, metrics: Metrics) -> Broker:
    """The broker of `broker.url`, not yet started."""
    if config.shares_broker:
        from server.brokers.redis import RedisBroker

        return RedisBroker(config.broker.url, metrics=metrics)
    from server.brokers.local import LocalBroker, LocalExchange

    if config.shares_store:
        log.warning(
            "other instances on this store are heard of late, and their people not at all; "
            "the setting broker.url joins them",
            every_s=config.boards.heads_check_s,
        )
    return LocalBroker(LocalExchange())
