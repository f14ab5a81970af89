"""What an import of the library brings along."""

from __future__ import annotations

import json
import subprocess
import sys


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
