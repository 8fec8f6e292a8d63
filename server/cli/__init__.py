"""`python -m server …`. Exit codes: 0, 1 failed, 2 usage, 78 configuration (or data of a newer version)."""

from server.cli.data import backup, export, import_, restore
from server.cli.group import main
from server.cli.people import token, user
from server.cli.serve import check, serve
from server.cli.simulate import simulate

__all__ = ["main"]

for command in (serve, check, backup, restore, export, import_, user, token, simulate):
    main.add_command(command)
