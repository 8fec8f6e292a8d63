"""Devices that are not there: believable signals, what goes wrong with them, and how a device sends. Pure."""
