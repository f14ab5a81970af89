"""The one icon set: Material Design icons of QtAwesome's font, coloured by the theme.

Only the font and its table of names are used, read where they lie: importing QtAwesome itself loads
every class of Qt and eleven more fonts, a third of a second at each start.
"""

from __future__ import annotations

import importlib.util
import json
import logging
from functools import lru_cache
from pathlib import Path

from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontDatabase, QIcon, QIconEngine, QPainter, QPixmap

import resources
from app import theme
from app.guard import guarded

__all__ = ["app_icon", "chevron", "icon", "pixmap"]

_log = logging.getLogger(__name__)
_FALLBACK = "circle-outline"
_STEM = "materialdesignicons6-webfont"
_GLYPH = 7 / 8  # of the square: room around it, and whole pixels at 16


@lru_cache(maxsize=1)
def _font() -> tuple[str, dict[str, str]]:
    """The family of the icon font, and name → code point in hexadecimal; empty without it."""
    try:
        spec = importlib.util.find_spec("qtawesome")
        assert spec is not None
        fonts = Path((spec.submodule_search_locations or [""])[0]) / "fonts"
        (file,) = fonts.glob(f"{_STEM}-[0-9]*.ttf")
        names: dict[str, str] = json.loads(
            file.with_name(file.stem.replace(_STEM, f"{_STEM}-charmap") + ".json").read_bytes()
        )
        number = QFontDatabase.addApplicationFont(str(file))
        return QFontDatabase.applicationFontFamilies(number)[0], names
    except (AssertionError, OSError, ValueError, IndexError):
        _log.warning("There are no icons: the font of QtAwesome was not found.", exc_info=True)
        return "", {}


class _Glyph(QIconEngine):
    """Paints one character of the icon font."""

    def __init__(self, character: str, colour: QColor, disabled: QColor) -> None:
        super().__init__()
        self._character, self._colours = character, (colour, disabled)

    @guarded()
    def paint(self, painter: QPainter, rect: QRect, mode: QIcon.Mode, state: QIcon.State) -> None:
        font = QFont(_font()[0])
        font.setPixelSize(max(1, round(rect.height() * _GLYPH)))
        painter.save()
        painter.setFont(font)
        painter.setPen(self._colours[mode == QIcon.Mode.Disabled])
        painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, self._character)
        painter.restore()

    @guarded(lambda *_: QPixmap())
    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        pixmap = QPixmap(size)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        self.paint(painter, QRect(QPoint(0, 0), size), mode, state)
        painter.end()
        return pixmap


@lru_cache(maxsize=512)
def _make(name: str, colour: str, disabled: str) -> QIcon:
    names = _font()[1]
    code = names.get(name)
    if code is None:
        # A catalogue may name an icon that this QtAwesome lacks: that is no reason to fail.
        _log.warning("There is no icon named %r.", name)
        code = names.get(_FALLBACK, "25cb")
    return QIcon(_Glyph(chr(int(code, 16)), QColor(colour), QColor(disabled)))


def icon(name: str, colour: str | None = None) -> QIcon:
    """A Material Design icon by its name (``"play"``), in the theme's text colour unless told."""
    tokens = theme.current()
    disabled = QColor(tokens.muted)
    disabled.setAlphaF(0.45)
    return _make(
        name.removeprefix("mdi6."),
        colour or tokens.text,
        disabled.name(QColor.NameFormat.HexArgb),
    )


def pixmap(name: str, size: int, colour: str | None = None) -> QPixmap:
    """The same as a picture, ``size`` pixels square."""
    return icon(name, colour).pixmap(QSize(size, size))


def chevron(theme_name: str) -> str:
    """The file with the arrow of a drop-down box: style sheets take pictures only from files."""
    ground = "light" if theme_name == "light" else "dark"
    return resources.path(f"icons/chevron-{ground}.svg").as_posix()


def app_icon() -> QIcon:
    """The studio's own icon."""
    return QIcon(str(resources.path("icons/studio.svg")))
