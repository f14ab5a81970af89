"""The style sheet, made from a theme's tokens; only what Fusion's palette cannot say."""

from __future__ import annotations

from app.theme import SMALL, SPACE, Theme

__all__ = ["stylesheet"]

_TEMPLATE = """
QMainWindow, QDialog { background: $window; }
QMainWindow::separator { background: $window; width: 4px; height: 4px; }
QMainWindow::separator:hover { background: $accent; }

QMenuBar { background: $panel; border-bottom: 1px solid $border; padding: 2px 4px; }
QMenuBar::item { padding: 4px 8px; border-radius: 4px; }
QMenuBar::item:selected { background: $hover; }
QMenu { background: $panel; border: 1px solid $border_strong; padding: 4px; }
QMenu::item { padding: 5px 24px 5px 8px; border-radius: 4px; }
QMenu::item:selected { background: $selection; color: $text; }
QMenu::item:disabled { color: $muted; }
QMenu::separator { height: 1px; background: $border; margin: 4px 8px; }
QMenu::icon { padding-left: 6px; }

QToolBar { background: $panel; border: none; border-bottom: 1px solid $border;
           padding: 3px 8px; spacing: 2px; }
QToolBar::separator { background: $border; width: 1px; margin: 4px 6px; }
QToolButton { border: 1px solid transparent; border-radius: 5px; padding: 4px 7px; }
QToolButton:hover { background: $hover; }
QToolButton:pressed, QToolButton:checked { background: $selection; }
QToolButton:focus { border-color: $accent; }
QToolButton:disabled { color: $muted; }
QWidget#dockTitle QToolButton { padding: 2px 6px; color: $muted; }
QToolButton#run { background: $accent; color: $on_accent; font-weight: 600; }
QToolButton#run:hover { background: $accent_hover; }
QToolButton#run:disabled { background: $raised; color: $muted; }
QToolButton::menu-indicator { image: none; }

QStatusBar { background: $panel; border-top: 1px solid $border; color: $muted; }
QStatusBar::item { border: none; }
QStatusBar QLabel { padding: 0 8px; }

QDockWidget { color: $text; }
QDockWidget > QWidget { background: $panel; }
QWidget#dockTitle { background: $window; }
QTabBar { background: $window; qproperty-drawBase: 0; }
QTabBar::tab { background: $window; color: $muted; padding: 5px 12px; border: none;
               border-top: 2px solid transparent; }
QTabBar::tab:selected { background: $panel; color: $text; border-top: 2px solid $accent; }
QTabBar::tab:only-one { border-top: 2px solid transparent; font-weight: 600; }
QTabBar::tab:hover:!selected { background: $hover; color: $text; }

QLineEdit, QPlainTextEdit, QTextEdit, QTextBrowser, QSpinBox, QDoubleSpinBox, QComboBox {
    background: $field; border: 1px solid $border_strong; border-radius: 4px; padding: 3px 6px;
    selection-background-color: $selection; selection-color: $text; }
QLineEdit:focus, QPlainTextEdit:focus, QSpinBox:focus, QDoubleSpinBox:focus, QComboBox:focus {
    border-color: $accent; }
QLineEdit[invalid="true"] { border-color: $error; }
QPlainTextEdit#code, QTextBrowser#help { border: none; border-radius: 0; background: $field; }
QTextBrowser#help { background: $panel; }
QComboBox { padding-right: 20px; }
QComboBox::drop-down { border: none; width: 20px; }
QComboBox::down-arrow { image: url($chevron); width: 10px; height: 10px; }
QComboBox QAbstractItemView { background: $panel; border: 1px solid $border_strong;
    selection-background-color: $selection; selection-color: $text; outline: none; }

QPushButton { background: $raised; border: 1px solid $border_strong; border-radius: 5px;
              padding: 4px 12px; }
QPushButton:hover { background: $hover; }
QPushButton:focus { border-color: $accent; }
QPushButton:default { border-color: $accent; }
QPushButton[small="true"] { padding: 2px 8px; font-size: ${small}px; }

QTreeView, QListView { background: $panel; border: none; outline: none; }
QTreeView::item, QListView::item { padding: 3px 2px; border-radius: 4px; }
QTreeView::item:hover, QListView::item:hover { background: $hover; }
QTreeView::item:selected, QListView::item:selected { background: $selection; color: $text; }
QTreeView::branch { background: $panel; }

QScrollArea { background: $panel; border: none; }
QScrollArea > QWidget > QWidget { background: $panel; }
QScrollBar:vertical { background: transparent; width: 10px; margin: 0; }
QScrollBar:horizontal { background: transparent; height: 10px; margin: 0; }
QScrollBar::handle { background: $border_strong; border-radius: 4px; margin: 1px;
                     min-height: 24px; min-width: 24px; }
QScrollBar::handle:hover { background: $muted; }
QAbstractScrollArea::corner { background: transparent; border: none; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }

QProgressBar { background: $field; border: 1px solid $border_strong; border-radius: 4px;
               height: 8px; text-align: center; }
QProgressBar::chunk { background: $accent; border-radius: 3px; }

QSlider::groove:horizontal { height: 4px; background: $border_strong; border-radius: 2px; }
QSlider::sub-page:horizontal { background: $accent; border-radius: 2px; }
QSlider::handle:horizontal { background: $raised; border: 2px solid $accent; width: 10px;
    height: 10px; margin: -5px 0; border-radius: 7px; }
QSlider::handle:horizontal:focus { background: $accent; }

QToolTip { background: $raised; color: $text; border: 1px solid $border_strong; padding: 4px; }
QLabel[muted="true"] { color: $muted; }
QLabel[error="true"] { color: $error; }
QLabel[heading="true"] { font-weight: 600; }
QFrame#formula { background: $panel; border: none; border-bottom: 1px solid $border; }
QFrame#card { background: $raised; border: 1px solid $border; border-radius: 6px; }
QFrame#card:hover, QFrame#card:focus { border-color: $accent; }
QFrame#tour { background: $raised; border: none; border-bottom: 2px solid $accent; }
QFrame#banner { background: $raised; border: none; border-bottom: 1px solid $warning; }
QFrame#bar { background: $panel; border: none; }
"""


def stylesheet(theme: Theme) -> str:
    """Qt style sheet text for a theme."""
    from string import Template

    from PySide6.QtGui import QColor

    from app.icons import chevron

    tokens = {
        name: getattr(theme, name)
        for name in theme.__dataclass_fields__
        if isinstance(getattr(theme, name), str)
    }
    accent = QColor(theme.accent)
    tokens["accent_hover"] = (accent.lighter(112) if theme.dark else accent.darker(115)).name()
    tokens["small"] = str(SMALL)
    tokens["space"] = str(SPACE)
    tokens["chevron"] = chevron(theme.name)
    return Template(_TEMPLATE).substitute(tokens)
