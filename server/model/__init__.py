"""Typed messages and records. Dicts stop at the wire; inside there are these Structs."""
