"""What holds for every test: nothing of the caller's configuration reaches it.

Warnings are errors (pyproject.toml), except those of pytest-tornado about itself.
"""

import os

import pytest
from hypothesis import settings

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


def pytest_configure(config: pytest.Config) -> None:
    """`BOARDCAST_SERVER__PORT=9000 make test` must not move the servers that tests start."""
    for variable in [name for name in os.environ if name.startswith("BOARDCAST_") and "__" in name]:
        del os.environ[variable]
