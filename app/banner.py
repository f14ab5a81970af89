"""A line above the canvas that offers something once: work to recover, a tour's next step."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QWidget

from app import icons, theme

__all__ = ["Banner"]


class Banner(QFrame):
    """A sentence and buttons; gone once a button is pressed."""

    def __init__(
        self,
        sentence: str,
        choices: tuple[tuple[str, Callable[[], object]], ...],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setObjectName("banner")
        tokens = theme.current()
        mark = QLabel()
        mark.setPixmap(icons.pixmap("lifebuoy", 18, tokens.warning))
        self.text = QLabel(sentence)
        self.text.setWordWrap(True)
        self.text.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 6, 8, 6)
        row.setSpacing(10)
        row.addWidget(mark)
        row.addWidget(self.text, 1)
        self.buttons: dict[str, QPushButton] = {}
        for title, call in choices:
            button = QPushButton(title)
            button.setAccessibleName(title)
            button.setToolTip(title)
            button.clicked.connect(lambda _=False, c=call: self._choose(c))
            row.addWidget(button)
            self.buttons[title] = button
        self.setAccessibleName(sentence)

    def _choose(self, call: Callable[[], object]) -> None:
        self.hide()
        self.deleteLater()
        call()
