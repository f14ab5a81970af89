"""Threads of the worker wait for each other as the window can bear it."""

from __future__ import annotations

import os
import subprocess
import sys

from app.engine.waiting import wait_briefly

ORDER = """
import os, sys
import {module}
assert "torch" not in sys.modules, "torch has read what it waits by"
print(os.environ["OMP_WAIT_POLICY"], os.environ["GOMP_SPINCOUNT"])
"""


def test_who_waits_spins_for_a_moment_only() -> None:
    environment: dict[str, str] = {}
    wait_briefly(environment)
    assert environment["OMP_WAIT_POLICY"] == "PASSIVE"
    # A hundred thousand are about a millisecond.
    assert 1000 <= int(environment["GOMP_SPINCOUNT"]) <= 10000


def test_what_a_person_asks_for_stays() -> None:
    environment = {"OMP_WAIT_POLICY": "ACTIVE"}
    wait_briefly(environment)
    assert environment == {"OMP_WAIT_POLICY": "ACTIVE"}
    environment = {"GOMP_SPINCOUNT": "7"}
    wait_briefly(environment)
    assert environment["GOMP_SPINCOUNT"] == "7"


def test_the_worker_says_so_before_torch_is_imported() -> None:
    for module in ("app.engine.worker", "benchmarks"):
        done = subprocess.run(
            [sys.executable, "-c", ORDER.format(module=module)],
            capture_output=True,
            text=True,
            env={"PATH": "", "PYTHONPATH": os.pathsep.join(sys.path)},
            check=False,
        )
        assert done.stdout.split() == ["PASSIVE", "3000"], done.stderr
