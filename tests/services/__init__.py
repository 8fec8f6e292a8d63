"""The services that a cluster stands on, started for tests: real ones, and a network that misbehaves."""
