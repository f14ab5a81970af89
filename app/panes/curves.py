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

__all__ = ["CurvesPane", "decimate"]

_POINTS = 600
_PAINT_MS = 120
_EMPTY = "Objective, residuals and PSNR are drawn here while a solver runs."


def decimate(
    x: NDArray[np.float64], y: NDArray[np.float64], points: int = _POINTS
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A curve with at most about ``points`` points that keeps every peak and valley.

    Each block of neighbours gives its smallest and its largest value, in their order; the last
    point is always kept.
    """
    finite = np.isfinite(y)
    x, y = x[finite], y[finite]
    if len(y) <= points:
        return x, y
    block = -(-len(y) // (points // 2))
    # The last block is filled up with its own last value.
    blocks = np.pad(y, (0, -len(y) % block), mode="edge").reshape(-1, block)
    start = np.arange(len(blocks)) * block
    pairs = np.stack([start + blocks.argmin(axis=1), start + blocks.argmax(axis=1)], axis=1)
    chosen = np.unique(np.concatenate([pairs.ravel(), [0, len(y) - 1]]))
    chosen = chosen[chosen < len(y)]
    return x[chosen], y[chosen]


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

    @cached_property
    def _last(self) -> NDArray[np.float64]:
        """The rows of the run before this one."""
        return np.empty((0, 8))

    @cached_property
    def _kept(self) -> NDArray[np.float64]:
        """The rows that were drawn last."""
        return np.empty((0, 8))

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
            self._last = self._kept
            del self._kept
        if self.devicePixelRatioF() != self._ratio:  # the window is on another screen
            self._on_theme(None)
        self.paint_now()

    def _on_replaced(self) -> None:
        for rows in ("_last", "_kept"):
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
        self._kept = rows.copy()
        if not self.isVisible():
            return
        x = rows[:, self.axis]
        # Constraints can make an objective infinite, differences can make one negative.
        values = rows[:, OBJECTIVE]
        finite = values[np.isfinite(values)]
        self.objective.left.log10 = bool(finite.size and finite.min() > 0)
        self._draw("objective", x, values, self.objective.left.log10)
        self._draw("psnr", x, rows[:, PSNR], False)
        for name, column in (
            ("primal", PRIMAL),
            ("dual", DUAL),
            ("primal_tol", PRIMAL_TOL),
            ("dual_tol", DUAL_TOL),
        ):
            self._draw(name, x, rows[:, column], True)
        self._draw_ghost()
        self._say(rows)

    def _draw(self, name: str, x: NDArray[np.float64], y: NDArray[np.float64], log: bool) -> None:
        if log:
            y = np.log10(np.where(y > 0, y, np.nan))
        self._curve[name].setData(*decimate(x, y))

    @property
    def axis(self) -> int:
        """The column that the horizontal axis shows."""
        return SECONDS if self.by_time.isChecked() else ITERATION

    @property
    def ghost(self) -> NDArray[np.float64]:
        """The rows of the run before this one, as far as they are shown."""
        return self._last if self.ghosted.isChecked() else self._last[:0]

    def _draw_ghost(self) -> None:
        rows = self.ghost
        for name, column, log in (
            ("objective", OBJECTIVE, self.objective.left.log10),
            ("psnr", PSNR, False),
            ("primal", PRIMAL, True),
            ("dual", DUAL, True),
        ):
            y = rows[:, column]
            if log:
                y = np.log10(np.where(y > 0, y, np.nan))
            self._ghost[name].setData(*decimate(rows[:, self.axis], y))

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
        self._ratio = fine = self.devicePixelRatioF()
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
            plot.dress()
        self._say(self.runner.history)

    def _say(self, rows: NDArray[np.float64]) -> None:
        first, second, third, fourth = theme.current().series
        last = self._row_at(rows) if len(rows) else np.full(8, np.nan)
        pointing = bool(len(rows)) and bool(np.isfinite(self._pointed))
        at = f" at {last[ITERATION]:.0f} ({last[SECONDS]:.2f} s)" if pointing else ""
        left = [_key(first, "━", f"objective {_number(last[OBJECTIVE])}{at}")]
        has_psnr = bool(len(rows)) and bool(np.isfinite(rows[:, PSNR]).any())
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
        f"<span style='color:{colour}; font-size:11px'>{mark}</span>"
        f"<span style='color:{tokens.muted}; font-size:11px'>&nbsp;{text}</span>"
    )


def _value(value: float, shown: bool) -> str:
    return f" {value:.3g}" if shown and np.isfinite(value) else ""


def _number(value: float) -> str:
    return f"{value:.5g}" if np.isfinite(value) else "∞" if value > 0 else "–"
