"""Opening the window: the application, its looks, and where exceptions go."""

from __future__ import annotations

import faulthandler
import logging
import signal
import sys
import threading
import traceback
from pathlib import Path
from types import TracebackType
from typing import Any

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QApplication

from app import icons, restore, theme
from app.main_window import MainWindow
from app.session import Notice
from app.settings import Settings

__all__ = [
    "assemble",
    "begin",
    "catch_exceptions",
    "make_application",
    "open_window",
    "record_crashes",
]

_log = logging.getLogger(__name__)


def make_application(argv: list[str] | None = None) -> QApplication:
    """The QApplication with the studio's name, icon and theme."""
    known = QApplication.instance()
    if isinstance(known, QApplication):
        application = known
    else:
        QApplication.setHighDpiScaleFactorRoundingPolicy(
            Qt.HighDpiScaleFactorRoundingPolicy.PassThrough
        )
        application = QApplication([*(argv or sys.argv[:1]), "-style", "fusion"])
        application.setProperty(theme.FUSION, True)
    application.setApplicationName("dprox-studio")
    application.setOrganizationName("dprox-studio")
    application.setWindowIcon(icons.app_icon())
    return application


def catch_exceptions(window: MainWindow) -> Any:
    """Show every exception that nobody caught in the issues pane, and close nothing.

    Returns:
        The hook that was there before.
    """
    before = sys.excepthook

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            before(kind, error, trace)
            return
        details = "".join(traceback.format_exception(kind, error, trace))
        _log.error("Uncaught exception\n%s", details)
        try:
            window.session.note(
                Notice(
                    "error",
                    f"Something went wrong inside the studio ({kind.__name__}: {error}). Your "
                    "graph is as it was; save it, and report the details if this returns.",
                    details=details,
                    source="studio",
                )
            )
        except Exception:
            before(kind, error, trace)

    sys.excepthook = hook
    threading.excepthook = lambda args: _later(window, hook, args)
    return before


def _later(window: MainWindow, hook: Any, args: threading.ExceptHookArgs) -> None:
    """Widgets are touched only from the window's own thread."""
    if args.exc_value is not None:
        QTimer.singleShot(
            0, window, lambda: hook(args.exc_type, args.exc_value, args.exc_traceback)
        )


def record_crashes(folder: Path) -> str:
    """Let a hard crash (a signal, not an exception) leave its trace in a file.

    Returns:
        The trace that the last window left, empty if it ended as it should.
    """
    file = folder / "crash.txt"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        last = file.read_text(encoding="utf-8", errors="replace") if file.exists() else ""
        # Stays open as long as the process lives: the handler writes to its descriptor.
        stream = file.open("w", encoding="utf-8")
    except OSError:
        _log.warning("Crashes cannot be recorded in %s", folder, exc_info=True)
        return ""
    faulthandler.enable(stream)
    return last


def begin(window: MainWindow, document: str | None) -> None:
    """Show what a killed window left, then what is wanted, what was open, or the welcome page."""
    left_behind = window.commands.offer_recovery()
    window.commands.offer_crash_report(record_crashes(window.settings.recovery))
    if document is not None:
        window.commands.open_path(document)
    elif left_behind or not window.settings.flag(restore.FLAG) or not restore.restore(window):
        window.welcome.open()


def assemble(document: str | None = None) -> tuple[QApplication, MainWindow]:
    """The application and its window, shown and ready for its first paint.

    Args:
        document: a file or ``example:NAME``; None restores what was open, or welcomes.
    """
    application = make_application()
    theme.apply(Settings().theme)
    window = MainWindow()
    catch_exceptions(window)
    kept = window.settings.window()
    window.resize(1440, 900)
    if kept is not None and window.restoreGeometry(kept[0]):
        window.show()
        if not window.restoreState(kept[1]):
            window.arrange("build")
        window.set_stage(not window.stage.isHidden())
    else:
        window.show()
        window.arrange("build")
    begin(window, document)
    return application, window


def open_window(document: str | None = None) -> int:
    """Open the studio and stay until it is closed.

    Args:
        document: as for :func:`assemble`.

    Returns:
        The exit code.
    """
    application, window = assemble(document)
    # Ctrl-C in the terminal closes the window like its own button does, question included;
    # the timer that polls the solver lets Python see the signal.
    signal.signal(signal.SIGINT, lambda *_: window.close())
    return int(application.exec())
