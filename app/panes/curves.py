"""How the solve goes: objective and PSNR, residuals and their tolerances, over the iterations."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QPen
from PySide6.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QMenu,
    QStackedLayout,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app import theme
from app.guard import guarded
from app.panes.envelope import Envelope
from app.results import (
    DUAL,
    DUAL_TOL,
    ITERATION,
    OBJECTIVE,
    PRIMAL,
    PRIMAL_TOL,
    PSNR,
    SECONDS,
)
from app.runner import Runner
from nodes.late import late

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from app.panes.plot import Plot
else:
    np = late("numpy")

__all__ = ["CurvesPane"]

_PAINT_MS = 120
_BIG = 1.4
_COLUMNS = {
    "objective": OBJECTIVE,
    "psnr": PSNR,
    "primal": PRIMAL,
    "dual": DUAL,
    "primal_tol": PRIMAL_TOL,
    "dual_tol": DUAL_TOL,
}
_EMPTY = "Objective, residuals and PSNR are drawn here while a solver runs."


class CurvesPane(QWidget):
    """Two plots side by side with a common axis of iterations, or of seconds.

    Signals:
        table_wanted(dict): the history as columns, for a file.
        picture_wanted(QImage): a plot as it is shown.
    """

    table_wanted = Signal(object)
    picture_wanted = Signal(object)

    def __init__(self, runner: Runner, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.runner = runner
        self._plots: tuple[Plot, Plot] | None = None
        self._ratio = 1.0
        self.titles = [QLabel(), QLabel()]
        for title in self.titles:
            title.setTextFormat(Qt.TextFormat.RichText)
            title.setContentsMargins(10, 0, 8, 0)
            title.setFont(theme.ui_font(theme.SMALL))
        plots = QWidget()
        self._grid = QGridLayout(plots)
        self._grid.setContentsMargins(0, 4, 0, 2)
        self._grid.setSpacing(2)
        for column, title in enumerate(self.titles):
            self._grid.addWidget(title, 0, column)
            self._grid.setColumnStretch(column, 1)
        self._grid.setRowStretch(1, 1)
        empty = QLabel(_EMPTY)
        empty.setWordWrap(True)
        empty.setProperty("muted", True)
        empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        empty.setContentsMargins(16, 8, 16, 8)
        self._stack = QStackedLayout()
        self._stack.addWidget(empty)
        self._stack.addWidget(plots)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(self._stack)
        self.by_time = QToolButton()
        self.by_time.setText("Seconds")
        self.by_time.setCheckable(True)
        self.by_time.setToolTip("Draw over seconds instead of iterations")
        self.by_time.setAccessibleName("Time axis")
        self.by_time.toggled.connect(lambda _: self.paint_now())
        self.ghosted = QToolButton()
        self.ghosted.setText("Last run")
        self.ghosted.setCheckable(True)
        self.ghosted.setChecked(True)
        self.ghosted.setToolTip("Show the run before this one as a thin line")
        self.ghosted.setAccessibleName("Last run")
        self.ghosted.toggled.connect(lambda _: self.paint_now())
        self.tools = QWidget(self)
        row = QHBoxLayout(self.tools)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(2)
        for button in (self.by_time, self.ghosted):
            row.addWidget(button)
        self._pointed = float("nan")
        self._ghost_drawn: object = None
        self._number = 0
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_PAINT_MS)
        self._timer.timeout.connect(self.paint_now)
        runner.rows_added.connect(self._on_rows)
        runner.started.connect(self._on_started)
        runner.session.replaced.connect(self._on_replaced)
        runner.finished.connect(lambda _: self.paint_now())
        theme.signals().changed.connect(self._on_theme)
        self._on_theme(None)

    def set_big(self, big: bool) -> None:
        """Type for a room of people, or for one in front of the screen."""
        self._big = big
        for title in self.titles:
            title.setFont(theme.ui_font(round(theme.SMALL * (_BIG if big else 1.0))))
        self._on_theme(None)

    _big = False

    @cached_property
    def _last(self) -> NDArray[np.float64]:
        """The rows of the run before this one."""
        return np.empty((0, 8))

    @cached_property
    def _kept(self) -> NDArray[np.float64]:
        """The rows that were drawn last."""
        return np.empty((0, 8))

    @cached_property
    def _paths(self) -> dict[str, Envelope]:
        """Which rows draw each curve."""
        return {name: Envelope() for name in _COLUMNS}

    @cached_property
    def _last_paths(self) -> dict[str, Envelope]:
        """The same of the run before this one."""
        return {name: Envelope() for name in _COLUMNS}

    @property
    def objective(self) -> Plot:
        """Objective and PSNR."""
        return self._made()[0]

    @property
    def residuals(self) -> Plot:
        """Residuals and their tolerances."""
        return self._made()[1]

    def _made(self) -> tuple[Plot, Plot]:
        """The plots; made when first needed, since their library takes its time to load."""
        if self._plots is None:
            from app.panes.plot import Plot

            self._plots = (Plot("Objective and PSNR", second=True), Plot("Residuals"))
            self._plots[1].view.setXLink(self._plots[0].view)
            for column, plot in enumerate(self._plots):
                self._grid.addWidget(plot, 1, column)
                plot.pointed.connect(self._on_pointed)
                plot.menu_wanted.connect(lambda place, p=plot: self._menu(place, p))
            self._make_curves()
            self._on_theme(None)
        return self._plots

    def _make_curves(self) -> None:
        self._curve = {
            "objective": self.objective.curve(),
            "psnr": self.objective.curve(over=True),
        }
        for name in ("primal", "dual", "primal_tol", "dual_tol"):
            self._curve[name] = self.residuals.curve()
        self._ghost = {
            "objective": self.objective.curve(),
            "psnr": self.objective.curve(over=True),
            "primal": self.residuals.curve(),
            "dual": self.residuals.curve(),
        }

    def _on_started(self) -> None:
        """What was drawn until now becomes the ghost behind the new run."""
        if len(self._kept):
            self._last, self._last_paths = self._kept, self._paths
            del self._kept, self._paths
        if self.devicePixelRatioF() != self._ratio:  # the window is on another screen
            self._on_theme(None)
        self.paint_now()

    def _on_replaced(self) -> None:
        for rows in ("_last", "_kept", "_last_paths", "_paths"):
            self.__dict__.pop(rows, None)
        self.paint_now()

    def _on_rows(self) -> None:
        if not self._timer.isActive():
            self._timer.start()

    def paint_now(self) -> None:
        """Draw the history as it is."""
        self._timer.stop()
        some = len(self.runner.table) > 0
        self._stack.setCurrentIndex(1 if some else 0)
        if not some:
            return
        rows = self.runner.history
        self._kept = rows
        if self._number != self.runner.table.number:
            self._number = self.runner.table.number
            self.__dict__.pop("_paths", None)
        for name, path in self._paths.items():
            path.follow(rows[:, _COLUMNS[name]])
        if not self.isVisible():
            return
        # Constraints can make an objective infinite, differences can make one negative.
        values = rows[self._paths["objective"].rows, OBJECTIVE]
        self.objective.left.log10 = bool(values.size and values.min() > 0)
        for name, path in self._paths.items():
            self._curve[name].setData(*self._points(name, rows, path))
        self._draw_ghost()
        for plot in (self.objective, self.residuals):
            plot.settle()
        self._say(rows)

    def _points(
        self, name: str, rows: NDArray[np.float64], path: Envelope
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """A curve as it is drawn."""
        chosen = path.rows
        x, y = rows[chosen, self.axis], rows[chosen, _COLUMNS[name]]
        if name != "psnr" and (name != "objective" or self.objective.left.log10):
            y = np.log10(np.where(y > 0, y, np.nan))
        return x, y

    @property
    def axis(self) -> int:
        """The column that the horizontal axis shows."""
        return SECONDS if self.by_time.isChecked() else ITERATION

    @property
    def ghost(self) -> NDArray[np.float64]:
        """The rows of the run before this one, as far as they are shown."""
        return self._last if self.ghosted.isChecked() else self._last[:0]

    def _draw_ghost(self) -> None:
        rows, paths = self.ghost, self._last_paths
        state = (rows.ctypes.data, len(rows), self.axis, self.objective.left.log10)
        if state == self._ghost_drawn:
            return
        self._ghost_drawn = state
        for name, curve in self._ghost.items():
            shown = paths[name] if len(rows) else Envelope()
            curve.setData(*self._points(name, rows, shown))

    def columns(self) -> dict[str, NDArray[np.float64]]:
        """The history as named columns."""
        rows = self.runner.history
        names = ("iteration", "seconds", "objective", "primal_residual", "dual_residual", "psnr")
        return {name: rows[:, index] for index, name in enumerate(names)}

    # --- crosshair and menu ---

    def _on_pointed(self, x: float) -> None:
        self._pointed = x
        for plot in (self.objective, self.residuals):
            plot.point_at(x if np.isfinite(x) else None)
        self._say(self.runner.history)

    def _row_at(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """The row under the crosshair, else the last one."""
        if not np.isfinite(self._pointed):
            return rows[-1]
        found: NDArray[np.float64] = rows[np.abs(rows[:, self.axis] - self._pointed).argmin()]
        return found

    def _menu(self, place: QPoint, plot: Plot) -> None:
        menu = QMenu(self)
        menu.addAction("Show all").triggered.connect(plot.view.enableAutoRange)
        table = menu.addAction("Save as table (CSV)…")
        table.setEnabled(bool(len(self.runner.history)))
        table.triggered.connect(lambda: self.table_wanted.emit(self.columns()))
        picture = menu.addAction("Save as picture (PNG, SVG)…")
        picture.triggered.connect(lambda: self.picture_wanted.emit(plot))
        menu.exec(place)
        menu.deleteLater()

    @guarded()
    def showEvent(self, event: Any) -> None:
        """Draw what came while the pane was hidden."""
        super().showEvent(event)
        self.paint_now()

    def _on_theme(self, _theme: Any) -> None:
        if self._plots is None:
            return
        # Cosmetic pens count the pixels of the screen, of which a scaled one has more.
        self._ratio = self.devicePixelRatioF()
        fine = self._ratio * (_BIG if self._big else 1.0)
        first, second, third, fourth = theme.current().series
        for name, colour, dashed in (
            ("objective", first, False),
            ("primal", second, False),
            ("dual", third, False),
            ("primal_tol", second, True),
            ("dual_tol", third, True),
            ("psnr", fourth, False),
        ):
            pen = QPen(QColor(colour), fine * (1.2 if dashed else 1.8))
            pen.setCosmetic(True)
            pen.setStyle(Qt.PenStyle.DashLine if dashed else Qt.PenStyle.SolidLine)
            self._curve[name].setPen(pen)
        for name, colour in (
            ("objective", first),
            ("primal", second),
            ("dual", third),
            ("psnr", fourth),
        ):
            faint = QColor(colour)
            faint.setAlphaF(0.4)
            pen = QPen(faint, fine)
            pen.setCosmetic(True)
            self._ghost[name].setPen(pen)
        for plot in (self.objective, self.residuals):
            plot.dress(_BIG if self._big else 1.0)
        self._say(self.runner.history)

    def _say(self, rows: NDArray[np.float64]) -> None:
        first, second, third, fourth = theme.current().series
        last = self._row_at(rows) if len(rows) else np.full(8, np.nan)
        pointing = bool(len(rows)) and bool(np.isfinite(self._pointed))
        at = f" at {last[ITERATION]:.0f} ({last[SECONDS]:.2f} s)" if pointing else ""
        left = [_key(first, "━", f"objective {_number(last[OBJECTIVE])}{at}")]
        has_psnr = bool(len(rows)) and len(self._paths["psnr"].rows) > 0
        if has_psnr:
            left.append(_key(fourth, "━", f"PSNR {last[PSNR]:.2f} dB"))
        self.objective.right.setVisible(has_psnr)
        self.titles[0].setText("&nbsp;&nbsp; ".join(left))
        right = [
            _key(second, "━", f"primal residual{_value(last[PRIMAL], pointing)}"),
            _key(third, "━", f"dual residual{_value(last[DUAL], pointing)}"),
            _key(theme.current().muted, "╌", "tolerance"),
        ]
        self.titles[1].setText("&nbsp;&nbsp; ".join(right))


def _key(colour: str, mark: str, text: str) -> str:
    tokens = theme.current()
    return (
        f"<span style='color:{colour}'>{mark}</span>"
        f"<span style='color:{tokens.muted}'>&nbsp;{text}</span>"
    )


def _value(value: float, shown: bool) -> str:
    return f" {value:.3g}" if shown and np.isfinite(value) else ""


def _number(value: float) -> str:
    return f"{value:.5g}" if np.isfinite(value) else "∞" if value > 0 else "–"
