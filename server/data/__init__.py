"""The data as a whole: backed up, restored, moved from one installation to another.

What is here is for the command line, without an event loop: a command does one thing and ends.
"""

from collections.abc import Callable

Progress = Callable[[str, int, int], None]
"""Told what is being done, how much of it is done, of how much (0: not known)."""


class DataError(Exception):
    """Why a command could not do what it was asked for: one line for the operator."""
