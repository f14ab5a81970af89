"""Docks with tidy titles, and three arrangements of the same docks.

A dock's title is a bar of tabs, also where it has but one. Qt's own tabbed docks are switched off:
every change of their layout can leave a dead tab bar behind on the window (Qt 6.11).
"""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import (
    QDockWidget,
    QHBoxLayout,
    QMainWindow,
    QStackedWidget,
    QTabBar,
    QWidget,
)

__all__ = ["Docks"]

_AREA = Qt.DockWidgetArea
_NARROW = 1500


@dataclass(frozen=True)
class _Plan:
    name: str
    area: Qt.DockWidgetArea
    tabs: tuple[tuple[str, str], ...]  # name and title of each pane


_PLANS = (
    _Plan("palette", _AREA.LeftDockWidgetArea, (("palette", "Nodes"), ("outline", "Outline"))),
    _Plan("inspector", _AREA.RightDockWidgetArea, (("inspector", "Inspector"),)),
    _Plan(
        "pictures",
        _AREA.RightDockWidgetArea,
        (("iterate", "Iterate"), ("pictures", "PSF and data"), ("compare", "Compare")),
    ),
    _Plan(
        "text",
        _AREA.BottomDockWidgetArea,
        (("script", "Script"), ("issues", "Issues"), ("history", "History")),
    ),
    _Plan("curves", _AREA.BottomDockWidgetArea, (("curves", "Convergence"),)),
)
_HIDDEN: dict[str, frozenset[str]] = {
    "build": frozenset(),
    "watch": frozenset({"palette", "inspector"}),
    "present": frozenset({"palette", "inspector", "text"}),
}


class _Dock(QDockWidget):
    """A dock whose title is the tabs of its panes."""

    def __init__(self, plan: _Plan, contents: dict[str, QWidget], window: QMainWindow) -> None:
        super().__init__(" and ".join(title.lower() for _, title in plan.tabs).capitalize(), window)
        self.setObjectName(plan.name)
        self.setFeatures(
            QDockWidget.DockWidgetFeature.DockWidgetMovable
            | QDockWidget.DockWidgetFeature.DockWidgetFloatable
            | QDockWidget.DockWidgetFeature.DockWidgetClosable
        )
        self.tabs = QTabBar()
        self.tabs.setDrawBase(False)
        self.tabs.setExpanding(False)
        self.tabs.setAccessibleName("Panes")
        self.stack = QStackedWidget()
        for name, title in plan.tabs:
            self.tabs.addTab(title)
            self.stack.addWidget(contents[name])
        if len(plan.tabs) == 1:
            self.tabs.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._tools = [getattr(contents[name], "tools", None) for name, _ in plan.tabs]
        self.tabs.currentChanged.connect(self._on_tab)
        title_bar = QWidget()
        title_bar.setObjectName("dockTitle")
        title_bar.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        row = QHBoxLayout(title_bar)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.tabs)
        row.addStretch(1)
        for tools in self._tools:
            if tools is not None:
                row.addWidget(tools)
        self.setTitleBarWidget(title_bar)
        self.setWidget(self.stack)
        self._on_tab(0)

    def _on_tab(self, index: int) -> None:
        self.stack.setCurrentIndex(index)
        for place, tools in enumerate(self._tools):
            if tools is not None:
                tools.setVisible(place == index)


class Docks(QObject):
    """Makes the docks of a window; panes are shown and titled by name."""

    def __init__(self, window: QMainWindow, contents: dict[str, QWidget]) -> None:
        super().__init__(window)
        self._window = window
        self._shown: set[str] = set()
        self._places: dict[str, tuple[_Dock, int, str]] = {}
        self.docks: dict[str, _Dock] = {}
        window.setDockOptions(
            QMainWindow.DockOption.AnimatedDocks | QMainWindow.DockOption.AllowNestedDocks
        )
        # The bottom row runs below everything, as in the sketch of the house.
        for corner in (Qt.Corner.BottomLeftCorner, Qt.Corner.BottomRightCorner):
            window.setCorner(corner, _AREA.BottomDockWidgetArea)
        for plan in _PLANS:
            dock = _Dock(plan, contents, window)
            self.docks[plan.name] = dock
            for index, (name, title) in enumerate(plan.tabs):
                self._places[name] = (dock, index, title)
            window.addDockWidget(plan.area, dock)

    def retitle(self, name: str, suffix: str) -> None:
        """Add something to a pane's title, such as a count."""
        dock, index, title = self._places[name]
        dock.tabs.setTabText(index, f"{title}{suffix}")

    def show(self, name: str) -> None:
        """Bring a pane to the front."""
        dock, index, _ = self._places[name]
        dock.show()
        dock.tabs.setCurrentIndex(index)

    def show_once(self, name: str) -> None:
        """Bring a pane to the front at the first picture of a run, then leave the choice alone."""
        if name not in self._shown:
            self._shown.add(name)
            dock, index, _ = self._places[name]
            dock.tabs.setCurrentIndex(index)

    def forget_shown(self) -> None:
        """A new run may bring its pane to the front again."""
        self._shown.clear()

    def arrange(self, name: str) -> None:
        """Arrange the docks for building, watching or presenting."""
        hidden = _HIDDEN.get(name, frozenset())
        docks, window = self.docks, self._window
        for key, dock in docks.items():
            if dock.isFloating():
                dock.setFloating(False)
            dock.setVisible(key not in hidden)
        width, height = window.width(), window.height()
        narrow = width < _NARROW
        side, bottom = {
            "watch": (int(width * 0.46), 0.36),
            "present": (int(width * 0.54), 0.40),
        }.get(name, (300 if narrow else 400, 0.28))
        across, down = Qt.Orientation.Horizontal, Qt.Orientation.Vertical
        if "palette" not in hidden:
            window.resizeDocks([docks["palette"]], [186 if narrow else 228], across)
        window.resizeDocks([docks["pictures"]], [side], across)
        window.resizeDocks([docks["curves"]], [int(height * bottom)], down)
        if "inspector" not in hidden:
            room = int(height * (1 - bottom)) - 90
            window.resizeDocks(
                [docks["inspector"], docks["pictures"]], [room * 56 // 100, room * 44 // 100], down
            )
        if "text" not in hidden:
            window.resizeDocks([docks["text"], docks["curves"]], [width // 2, width // 2], across)
