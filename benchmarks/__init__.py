"""How fast it is, beside others, in one run: `make bench`. See docs/performance.md."""
