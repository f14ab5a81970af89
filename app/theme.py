"""The looks of the studio: one set of tokens, a dark and a light palette, and what is made of them.

Every colour, distance and type size on screen comes from here, so that switching the theme is one
call and a third palette would be one more instance of :class:`Theme`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QColor, QFont, QFontDatabase, QPalette
from PySide6.QtWidgets import QApplication

import resources

__all__ = [
    "CONTRAST",
    "DARK",
    "FUSION",
    "LIGHT",
    "MONOSPACE",
    "SPACE",
    "THEMES",
    "Theme",
    "apply",
    "contrast",
    "current",
    "install_fonts",
    "monospace_font",
    "readable",
    "signals",
    "ui_font",
]

#: The distance everything on screen is a multiple of, in pixels.
SPACE = 4
#: Type sizes in pixels: small print, running text, titles, the formula.
SMALL, TEXT, TITLE, FORMULA = 11, 13, 14, 19

_FAMILY = "Inter"
MONOSPACE = "JetBrains Mono"
#: A property of an application that was started in this style: to ask it for its style would load
#: six hundred names of parts of styles.
FUSION = "fusion"
_FONT_FILES = (
    "Inter-Regular.otf",
    "Inter-SemiBold.otf",
    "Inter-Bold.otf",
    "Inter-Italic.otf",
    "JetBrainsMono-Regular.ttf",
)


@dataclass(frozen=True)
class Theme:
    """Colours by their use, as ``#rrggbb``."""

    name: str
    dark: bool
    window: str  # behind everything
    panel: str  # docks and bars
    raised: str  # buttons, headers
    field: str  # where one types
    border: str
    border_strong: str
    text: str
    muted: str  # secondary text, still readable
    accent: str
    on_accent: str
    selection: str  # background of selected rows
    hover: str
    error: str
    warning: str
    hint: str
    success: str
    canvas: str
    grid: str
    node: str
    node_header: str
    node_border: str
    node_shadow: str
    series: tuple[str, str, str, str]  # objective, primal residual, dual residual, PSNR
    syntax: dict[str, str]


DARK = Theme(
    name="dark",
    dark=True,
    window="#16181c",
    panel="#1d2025",
    raised="#282c33",
    field="#14161a",
    border="#31363f",
    border_strong="#4a515d",
    text="#e7e9ec",
    muted="#a3abb7",
    accent="#5aa9f0",
    on_accent="#0b1520",
    selection="#234263",
    hover="#2e333c",
    error="#ff7b72",
    warning="#f0b429",
    hint="#6cb6ff",
    success="#4cc38a",
    canvas="#16181c",
    grid="#23272e",
    node="#23272e",
    node_header="#2b3038",
    node_border="#434a56",
    node_shadow="#0c0d10",
    series=("#56b4e9", "#e69f00", "#2fc293", "#d99ac0"),
    syntax={
        "keyword": "#ff8f70",
        "string": "#a5d6a7",
        "number": "#7fc8ff",
        "comment": "#8b95a3",
        "call": "#dcbdfb",
        "name": "#e7e9ec",
    },
)

LIGHT = Theme(
    name="light",
    dark=False,
    window="#e9ecf0",
    panel="#f7f8fa",
    raised="#ffffff",
    field="#ffffff",
    border="#d2d7df",
    border_strong="#a9b1bd",
    text="#1b1f24",
    muted="#566070",
    accent="#0a63b8",
    on_accent="#ffffff",
    selection="#cfe4fa",
    hover="#e6ebf1",
    error="#b42318",
    warning="#8a5a00",
    hint="#0a63b8",
    success="#177245",
    canvas="#eef0f3",
    grid="#dfe3e8",
    node="#ffffff",
    node_header="#f1f3f6",
    node_border="#b4bcc8",
    node_shadow="#c9ced6",
    series=("#0072b2", "#b86e00", "#00795a", "#a2467c"),
    syntax={
        "keyword": "#b3380a",
        "string": "#1f6f3f",
        "number": "#0a5fae",
        "comment": "#66707e",
        "call": "#6b3fa0",
        "name": "#1b1f24",
    },
)

CONTRAST = Theme(
    name="contrast",
    dark=True,
    window="#000000",
    panel="#000000",
    raised="#1a1a1a",
    field="#000000",
    border="#a0a0a0",
    border_strong="#ffffff",
    text="#ffffff",
    muted="#e0e0e0",
    accent="#ffd400",
    on_accent="#000000",
    selection="#00418a",
    hover="#333333",
    error="#ff9c96",
    warning="#ffd23f",
    hint="#8fd0ff",
    success="#6dffb0",
    canvas="#000000",
    grid="#3a3a3a",
    node="#000000",
    node_header="#1a1a1a",
    node_border="#ffffff",
    node_shadow="#000000",
    series=("#6cc8ff", "#ffb000", "#4dffc0", "#ff9ad5"),
    syntax={
        "keyword": "#ffb38a",
        "string": "#b6ffb8",
        "number": "#9fdcff",
        "comment": "#d0d0d0",
        "call": "#ecd0ff",
        "name": "#ffffff",
    },
)

THEMES: dict[str, Theme] = {theme.name: theme for theme in (DARK, LIGHT, CONTRAST)}


class _Signals(QObject):
    changed = Signal(object)


_current: Theme = DARK
_signals: _Signals | None = None


def current() -> Theme:
    """The theme on screen now."""
    return _current


def signals() -> _Signals:
    """The object whose ``changed(Theme)`` fires after each switch."""
    global _signals
    if _signals is None:
        _signals = _Signals()
    return _signals


def install_fonts() -> None:
    """Load the bundled type, so that the studio looks alike on every machine."""
    known = set(QFontDatabase.families())
    if _FAMILY in known and MONOSPACE in known:
        return
    for name in _FONT_FILES:
        QFontDatabase.addApplicationFont(str(resources.path(f"fonts/{name}")))


def ui_font(pixels: int = TEXT, *, bold: bool = False, italic: bool = False) -> QFont:
    """The running type at a size in pixels, with figures of one width."""
    font = QFont(_FAMILY)
    font.setPixelSize(pixels)
    font.setItalic(italic)
    font.setWeight(QFont.Weight.DemiBold if bold else QFont.Weight.Normal)
    font.setFeature(QFont.Tag.fromString("tnum"), 1)
    return font


def monospace_font(pixels: int = 12) -> QFont:
    """The type of code and of names that appear in code."""
    font = QFont(MONOSPACE)
    font.setPixelSize(pixels)
    font.setStyleHint(QFont.StyleHint.Monospace)
    font.setFixedPitch(True)
    return font


def _luminance(colour: QColor) -> float:
    def linear(value: float) -> float:
        return value / 12.92 if value <= 0.03928 else ((value + 0.055) / 1.055) ** 2.4

    red, green, blue = (linear(v) for v in (colour.redF(), colour.greenF(), colour.blueF()))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(first: str | QColor, second: str | QColor) -> float:
    """The contrast ratio of two colours, 1 (alike) to 21 (black on white).

    Reference: W3C, Web Content Accessibility Guidelines 2.1, definition of contrast ratio.
    """
    high, low = sorted((_luminance(QColor(first)), _luminance(QColor(second))), reverse=True)
    return (high + 0.05) / (low + 0.05)


def readable(colour: str | QColor, background: str | QColor, ratio: float = 3.0) -> QColor:
    """The nearest lightness of a colour that stands out from a background by ``ratio``.

    The Okabe-Ito yellow vanishes on white and its blue on black; the hue stays, the lightness
    gives way.
    """
    one, other = QColor(colour), QColor(background)
    names = (one.name(QColor.NameFormat.HexArgb), other.name(QColor.NameFormat.HexArgb))
    return QColor(_readable(*names, ratio))


@lru_cache(maxsize=512)
def _readable(colour: str, background: str, ratio: float) -> QColor:
    result, ground = QColor(colour), QColor(background)
    lighten = _luminance(ground) < 0.18
    for _ in range(40):
        if contrast(result, ground) >= ratio:
            break
        hue, saturation, lightness, alpha = result.getHslF()
        step = 0.02 if lighten else -0.02
        result = QColor.fromHslF(max(hue, 0.0), saturation, min(1.0, max(0.0, lightness + step)))
        result.setAlphaF(alpha)
    return result


def _palette(theme: Theme) -> QPalette:
    palette = QPalette()
    role = QPalette.ColorRole
    for target, value in {
        role.Window: theme.panel,
        role.WindowText: theme.text,
        role.Base: theme.field,
        role.AlternateBase: theme.panel,
        role.ToolTipBase: theme.raised,
        role.ToolTipText: theme.text,
        role.PlaceholderText: theme.muted,
        role.Text: theme.text,
        role.Button: theme.raised,
        role.ButtonText: theme.text,
        role.BrightText: theme.error,
        role.Link: theme.accent,
        role.LinkVisited: theme.accent,
        role.Highlight: theme.selection,
        role.HighlightedText: theme.text,
        role.Light: theme.hover,
        role.Midlight: theme.raised,
        role.Mid: theme.border,
        role.Dark: theme.border,
        role.Shadow: theme.node_shadow,
        role.Accent: theme.accent,
    }.items():
        palette.setColor(target, QColor(value))
    for target in (role.WindowText, role.Text, role.ButtonText):
        faded = QColor(theme.muted)
        faded.setAlphaF(0.6)
        palette.setColor(QPalette.ColorGroup.Disabled, target, faded)
    return palette


def apply(name: str) -> Theme:
    """Switch the whole application to a theme, live, and tell everyone who paints by hand.

    Args:
        name: ``"dark"``, ``"light"`` or ``"contrast"``; anything else means dark.
    """
    global _current
    from app.style import stylesheet

    theme = THEMES.get(name, DARK)
    _current = theme
    application = QApplication.instance()
    if isinstance(application, QApplication):
        install_fonts()
        if not application.property(FUSION) and application.style().name() != "fusion":
            application.setStyle("Fusion")
        application.setFont(ui_font())
        application.setPalette(_palette(theme))
        application.setStyleSheet(stylesheet(theme))
    signals().changed.emit(theme)
    return theme
