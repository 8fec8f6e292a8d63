"""Boardcast: live task boards for people and devices."""

__version__ = "0.1.0"
