"""A seeded simulator of the production `server.boards`: virtual time, bad stores, bad brokers, deaths.

`run(seed)` is all of it; the same seed gives the same run, turn for turn. See `world.py`.
"""
