"""Devices: what they measure, and what comes of it on their board."""
