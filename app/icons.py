"""The one icon set: Material Design icons from QtAwesome, coloured by the theme."""

from __future__ import annotations

import logging
from functools import lru_cache

import qtawesome
from PySide6.QtCore import QSize
from PySide6.QtGui import QColor, QIcon, QPixmap

import resources
from app import theme

__all__ = ["app_icon", "chevron", "icon", "pixmap"]

_log = logging.getLogger(__name__)
_FALLBACK = "mdi6.circle-outline"


@lru_cache(maxsize=512)
def _make(name: str, colour: str, disabled: str) -> QIcon:
    try:
        return qtawesome.icon(name, color=colour, color_disabled=disabled)
    except Exception:
        # A catalogue may name an icon that this QtAwesome lacks: that is no reason to fail.
        _log.warning("There is no icon named %r.", name)
        return qtawesome.icon(_FALLBACK, color=colour, color_disabled=disabled)


def icon(name: str, colour: str | None = None) -> QIcon:
    """An icon by its QtAwesome name (``"mdi6.play"``), in the theme's text colour unless told."""
    if "." not in name:
        name = f"mdi6.{name}"
    tokens = theme.current()
    disabled = QColor(tokens.muted)
    disabled.setAlphaF(0.45)
    return _make(name, colour or tokens.text, disabled.name(QColor.NameFormat.HexArgb))


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
