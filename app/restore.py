"""Beginning where one stopped: what was open, how the panes stood, and what was not saved.

Only where the setting asks for it. What is kept is written when the window closes and taken away
once it is open again: from then on the recovery journal looks after it, and whatever a killed
window left behind comes first.
"""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QRectF

from app.session import Notice
from nodes import files
from nodes.errors import NodesError

if TYPE_CHECKING:
    from app.main_window import MainWindow

__all__ = ["FLAG", "forget", "keep", "restore"]

_LOG = logging.getLogger(__name__)

#: The switch in the settings.
FLAG = "restore"


def _file(window: MainWindow) -> Path:
    return window.settings.recovery.parent / "session.json"


def keep(window: MainWindow) -> bool:
    """Write down what is open; False if it cannot be, and the person must be asked as ever."""
    session, viewer = window.session, window.canvas.viewer
    shown = viewer.mapToScene(viewer.viewport().rect()).boundingRect()
    path = session.path
    content = {
        "path": str(path.absolute()) if path else "",
        "changed": _changed(path),
        "home": str(session.document.path or ""),
        "document": "" if session.is_clean and path else files.dumps(session.document),
        "clean": session.is_clean,
        "inside": list(session.levels.inside),
        "selection": session.selection,
        "view": [shown.x(), shown.y(), shown.width(), shown.height()],
        "tabs": {name: dock.tabs.currentIndex() for name, dock in window.docks.docks.items()},
        "welcome": not window.welcome.isHidden(),
    }
    try:
        file = _file(window)
        file.parent.mkdir(parents=True, exist_ok=True)
        files.write_atomically(file, json.dumps(content).encode("utf-8"))
    except OSError:
        _LOG.warning("The session cannot be kept", exc_info=True)
        return False
    return True


def forget(window: MainWindow) -> None:
    """Nothing is to be restored."""
    try:
        _file(window).unlink(missing_ok=True)
    except OSError:
        _LOG.warning("The kept session cannot be removed", exc_info=True)


def restore(window: MainWindow) -> bool:
    """Open what was kept; False if there is nothing, or nothing that can be read."""
    try:
        content = json.loads(_file(window).read_text(encoding="utf-8"))
        if not isinstance(content, dict) or content.get("welcome") or not _open(window, content):
            return False
        _arrange(window, content)
    except FileNotFoundError:
        return False
    except (OSError, ValueError, KeyError, TypeError, AttributeError, NodesError):
        _LOG.warning("The kept session cannot be read", exc_info=True)
        return False
    window.journal.write()  # what is not saved is in the journal before it goes from here
    forget(window)
    return True


def _open(window: MainWindow, content: dict[str, Any]) -> bool:
    session = window.session
    path = Path(content["path"]) if content["path"] else None
    home = Path(content["home"]) if content["home"] else None
    if content["clean"]:
        where = path or home
        if where is None or not where.is_file():
            return False
        if path is None:
            document = files.load(where)
            session.replace(document, None)
            return True
        return session.open(path)
    document = files.loads(content["document"])
    document.path = path or home
    session.recover(document, path)
    if path is not None and _changed(path) != content["changed"]:
        session.note(
            Notice(
                "warning",
                f"“{path.name}” was changed on the disk since the studio was closed: what is "
                "shown are your unsaved changes to the older version.",
                source="file",
            )
        )
    return True


def _changed(path: Path | None) -> float:
    try:
        return path.stat().st_mtime if path is not None else 0.0
    except OSError:
        return 0.0


def _arrange(window: MainWindow, content: dict[str, Any]) -> None:
    window.session.levels.go(str(use) for use in content["inside"])
    window.session.levels.settle()
    window.session.select([str(node) for node in content["selection"]])
    for name, index in content["tabs"].items():
        if name in window.docks.docks:
            window.docks.docks[name].tabs.setCurrentIndex(int(index))
    window.canvas.viewer.show_rect(QRectF(*(float(value) for value in content["view"])))
