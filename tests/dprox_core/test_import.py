"""What an import of the library brings along."""

from __future__ import annotations

import importlib
import json
import pkgutil
import subprocess
import sys

import dprox_core as dp


def test_importing_brings_nothing_that_is_slow_and_rarely_needed() -> None:
    program = (
        "import json, sys; import dprox_core as dp; before = sorted(sys.modules);"
        "dp.solve_lp; print(json.dumps([before, sorted(sys.modules)]))"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=120
    )
    before, after = json.loads(run.stdout)
    for name in ("scipy", "PIL", "safetensors", "matplotlib"):
        assert name not in before
    # Names of linear programs bring scipy along when they are first used.
    assert "scipy" in after


def test_no_public_name_stands_in_the_way_of_a_module() -> None:
    found = [info.name for info in pkgutil.iter_modules(dp.__path__)]
    assert {"layers", "monitoring", "sessions"} <= set(found)
    for name in found:
        whole = importlib.import_module(f"dprox_core.{name}")
        assert getattr(dp, name) is whole, f"import dprox_core.{name}.… as … finds something else"
