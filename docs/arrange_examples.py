"""Lays the shipped example graphs out as “Arrange nodes” does, so that they open readable.

    python -m docs.arrange_examples [FILE …]

Only positions change. Run it after an example was made or changed.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from app import theme
from app.main_window import MainWindow
from app.window import make_application
from nodes import files


def main() -> int:
    """Arrange each file in place."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("files", nargs="*", type=Path, help="documents; all examples without any")
    options = parser.parse_args()
    paths = options.files or [files.resolve(f"example:{name}") for name in files.examples()]
    with tempfile.TemporaryDirectory() as settings:
        os.environ["XDG_CONFIG_HOME"] = settings
        make_application([])
        theme.apply("dark")
        window = MainWindow()
        for path in paths:
            if not window.session.open(path):
                print(window.session.notices[-1].sentence, file=sys.stderr)
                return 2
            window.commands.edit_arrange()
            changed = not window.session.is_clean
            if changed:
                files.save(window.session.document, path)
                path.with_name(f"{path.name}~").unlink(missing_ok=True)
            print(f"{path.name}: {'arranged' if changed else 'as it should be'}")
        window.session.history.mark_clean()
        window.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
