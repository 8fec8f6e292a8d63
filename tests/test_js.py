"""The modules of the browser app that need no browser, under Node's own test runner.

Left out, loudly, where Node is not installed: see `.ci/node`.
"""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parent.parent
DEADLINE_S = 120
FOR_18 = ("default-type=module", "global-webcrypto", "global-customevent")
"""What Node 18 (Debian 12) has behind flags, and later ones without."""


def test_the_modules_of_the_browser_app_pass_their_own_tests() -> None:
    tests = sorted(str(path) for path in (ROOT / "tests" / "js").glob("*.test.mjs"))
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout
    flags = [f"--experimental-{flag}" for flag in FOR_18 if version.startswith("v18.")]
    command = ["node", *flags, "--test", *tests]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=DEADLINE_S)
    assert run.returncode == 0, run.stdout + run.stderr
    counted = dict(re.findall(r"^\S+ (tests|pass|skipped|todo) (\d+)$", run.stdout, re.MULTILINE))
    assert int(counted["pass"]) == int(counted["tests"]) >= len(tests), run.stdout
