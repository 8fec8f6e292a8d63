"""Many instances under every fault: real processes on real services, and a checker that knows only clients.

`run.play` plays a `Plan`: clients write and read at random instances while the faults of a seed come, then
everything is healed, and `checker.violations` holds what clients sent and saw against the log.
"""
