"""What the studio remembers from one start to the next: theme, recent files, the window's shape."""

from __future__ import annotations

import json
from pathlib import Path

from PySide6.QtCore import QByteArray, QSettings

__all__ = ["Settings"]

_MOST_RECENT = 8
_LAYOUT = 1  # raised when the docks change, so that an old arrangement is not restored


class Settings:
    """A thin, typed face of QSettings."""

    def __init__(self) -> None:
        self._store = QSettings(
            QSettings.Format.IniFormat,
            QSettings.Scope.UserScope,
            "dprox-studio",
            "dprox-studio",
        )

    @property
    def theme(self) -> str:
        """The name of the theme."""
        return str(self._store.value("theme", "dark"))

    @theme.setter
    def theme(self, name: str) -> None:
        self._store.setValue("theme", name)

    @property
    def recent(self) -> list[Path]:
        """Files opened lately, the newest first; those that are gone are left out."""
        value = self._store.value("recent", [])
        names = [value] if isinstance(value, str) else list(value or [])
        return [Path(name) for name in names if name and Path(name).is_file()]

    def add_recent(self, path: Path) -> None:
        """Put a file at the top of the list."""
        path = path.absolute()
        names = [str(path)] + [str(other) for other in self.recent if other != path]
        self._store.setValue("recent", names[:_MOST_RECENT])

    def clear_recent(self) -> None:
        """Forget all recent files."""
        self._store.setValue("recent", [])

    @property
    def folder(self) -> Path:
        """Where file dialogs start."""
        known = Path(str(self._store.value("folder", str(Path.home()))))
        return known if known.is_dir() else Path.home()

    @folder.setter
    def folder(self, path: Path) -> None:
        self._store.setValue("folder", str(path))

    @property
    def recovery(self) -> Path:
        """The folder of the recovery journals."""
        return Path(self._store.fileName()).parent / "recovery"

    @property
    def used(self) -> dict[str, int]:
        """How often each node type has been added: what is used often is offered first."""
        try:
            found = json.loads(str(self._store.value("used", "{}")))
            return {str(kind): int(count) for kind, count in found.items()}
        except (ValueError, TypeError, AttributeError):
            return {}

    def count_use(self, kind: str) -> None:
        """A node of a type was added."""
        used = self.used
        used[kind] = min(used.get(kind, 0) + 1, 1000)
        self._store.setValue("used", json.dumps(used))

    @property
    def keys(self) -> dict[str, list[str]]:
        """Shortcuts that a person has changed: command id → keys."""
        try:
            found = json.loads(str(self._store.value("keys", "{}")))
            return {str(name): [str(key) for key in keys] for name, keys in found.items()}
        except (ValueError, TypeError, AttributeError):
            return {}

    @keys.setter
    def keys(self, keys: dict[str, list[str]]) -> None:
        self._store.setValue("keys", json.dumps(keys))

    def flag(self, name: str, default: bool = False) -> bool:
        """A switch that is remembered, such as snapping to the grid."""
        return str(self._store.value(f"flags/{name}", default)).lower() == "true"

    def set_flag(self, name: str, value: bool) -> None:
        """Remember a switch."""
        self._store.setValue(f"flags/{name}", bool(value))

    def places(self, path: Path | None) -> dict[str, list[float]]:
        """The bookmarks of a document: number → left, top, width, height of the view."""
        try:
            found = json.loads(str(self._store.value("places", "{}")))
            return {str(k): [float(v) for v in box] for k, box in found.get(str(path), {}).items()}
        except (ValueError, TypeError, AttributeError):
            return {}

    def keep_place(self, path: Path | None, number: str, box: list[float]) -> None:
        """Remember a bookmark of a document."""
        try:
            found = json.loads(str(self._store.value("places", "{}")))
        except ValueError:
            found = {}
        found.setdefault(str(path), {})[number] = box
        self._store.setValue("places", json.dumps(dict(list(found.items())[-50:])))

    def window(self) -> tuple[QByteArray, QByteArray] | None:
        """Geometry and state of the window when it was last closed."""
        geometry = self._store.value(f"window{_LAYOUT}/geometry")
        state = self._store.value(f"window{_LAYOUT}/state")
        if isinstance(geometry, QByteArray) and isinstance(state, QByteArray):
            return geometry, state
        return None

    def keep_window(self, geometry: QByteArray, state: QByteArray) -> None:
        """Remember geometry and state of the window."""
        self._store.setValue(f"window{_LAYOUT}/geometry", geometry)
        self._store.setValue(f"window{_LAYOUT}/state", state)
