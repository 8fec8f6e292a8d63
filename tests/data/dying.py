"""`python -m tests.data.dying <n> <arguments of server>`: kills itself with SIGKILL at the n-th step.

A step is a call that the code about data makes, to SQLite and the system among others. With n = 0 it lives,
and prints the number of its steps as the last line on standard error.
"""

import os
import signal
import sys
from pathlib import Path
from types import FrameType

import server
from server.cli import main

OURS = tuple(str(Path(server.__file__).parent / part) for part in ("data", "stores"))
last = int(sys.argv.pop(1))
steps = 0


def step(frame: FrameType, event: str, _: object) -> None:
    global steps
    if event in ("call", "c_call") and frame.f_code.co_filename.startswith(OURS):
        steps += 1
        if steps == last:
            os.kill(os.getpid(), signal.SIGKILL)


sys.setprofile(step)
try:
    main()
finally:
    sys.setprofile(None)
    print(steps, file=sys.stderr)
