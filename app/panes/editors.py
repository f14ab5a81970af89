"""Editors for one parameter each: typed, with unit, range and a way back to the default.

An editor never refuses: what is wrong is said beside the field, and once the field is left the
value goes to the document as it is, so that the checks can show it on the node as well.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QMenu,
    QSlider,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

import resources
from app import icons
from app.filechooser import FileChooser
from app.guard import guarded
from app.panes.scales import STEPS, from_slider, raw_value, slider_range, to_slider
from nodes.assets import portable
from nodes.parameter import Json, Parameter, number_text

__all__ = ["ParameterEditor", "make_editor"]

IMAGE_FILTER = (
    "Images (*.png *.jpg *.jpeg *.tif *.tiff *.bmp *.gif *.webp *.ppm *.pgm *.npy);;All files (*)"
)


def _sentence_case(text: str) -> str:
    """A capital at the beginning, except that σ stays σ: Σ means something else."""
    return text[:1].upper() + text[1:] if text[:1].isascii() else text


class _NoWheel(QObject):
    """Keeps the wheel for scrolling: a control takes it only while it has the focus."""

    @guarded(False)
    def eventFilter(self, watched: Any, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Wheel and not watched.hasFocus():
            event.ignore()
            return True
        return False


class ParameterEditor(QWidget):
    """The row of one parameter: title, field, unit, reset, and a sentence when it is wrong.

    Signals:
        edited(value, token): a new value; edits of one gesture share the token.
        settled: the gesture is over.
    """

    edited = Signal(object, object)
    settled = Signal()

    def __init__(self, parameter: Parameter, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.parameter = parameter
        self.value: Json = parameter.default
        self._token: object = object()
        self._quiet = False
        self._no_wheel = _NoWheel(self)
        title = QLabel(_sentence_case(parameter.title))
        title.setToolTip(parameter.help)
        self.reset = QToolButton()
        self.reset.setIcon(icons.icon("restore"))
        self.reset.setToolTip(f"Back to the default: {parameter.show(parameter.default)}")
        self.reset.setAccessibleName(f"Reset {parameter.title}")
        self.reset.clicked.connect(self._on_reset)
        self.problem = QLabel()
        self.problem.setWordWrap(True)
        self.problem.setProperty("error", True)
        self.problem.hide()
        self.head = QHBoxLayout()
        self.head.setSpacing(6)
        self.head.addWidget(title)
        self.head.addStretch(1)
        self.head.addWidget(self.reset)
        self.field = QHBoxLayout()
        self.field.setSpacing(6)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addLayout(self.head)
        layout.addLayout(self.field)
        layout.addWidget(self.problem)

    def describe(self, control: QWidget) -> None:
        """Give a control its words for the pointer and the screen reader."""
        control.setToolTip(self.parameter.help or self.parameter.title)
        control.setAccessibleName(self.parameter.title)
        control.installEventFilter(self._no_wheel)

    def set_value(self, value: Json) -> None:
        """Show a value of the document."""
        self.value = value
        self._quiet = True
        try:
            self.show_value(value)
        finally:
            self._quiet = False
        self.say(self.parameter.validate(value))
        self.reset.setEnabled(value != self.parameter.default)

    def show_value(self, value: Json) -> None:
        """Put a value into the controls."""
        raise NotImplementedError

    def send(self, value: Json) -> None:
        """Hand a value to the document."""
        if self._quiet or (value == self.value and type(value) is type(self.value)):
            return
        self.value = value
        self.reset.setEnabled(value != self.parameter.default)
        self.edited.emit(value, self._token)

    def settle(self) -> None:
        """The gesture is over: the next edit is another step of undo."""
        self._token = object()
        self.settled.emit()

    def say(self, problem: str | None) -> None:
        """Write what is wrong below the field, or nothing."""
        text = problem or ""
        if text and not text.endswith("."):
            text = _sentence_case(text) + "."
        self._colour(error=True)
        self.problem.setText(text)
        self.problem.setVisible(bool(text))

    def say_differs(self, values: list[str]) -> None:
        """Say that the nodes edited together have different values."""
        shown = list(dict.fromkeys(values))
        self.problem.setText("Now " + ", ".join(shown[:4]) + (" …" if len(shown) > 4 else ""))
        self._colour(error=False)
        self.problem.show()

    def _colour(self, error: bool) -> None:
        if self.problem.property("error") != error:
            self.problem.setProperty("error", error)
            self.problem.setProperty("muted", not error)
            self.problem.style().unpolish(self.problem)
            self.problem.style().polish(self.problem)

    def _on_reset(self) -> None:
        self.settle()
        self.send(self.parameter.default)
        self.set_value(self.parameter.default)
        self.settle()


class TextEditor(ParameterEditor):
    """A field for text and, with a slider, for numbers."""

    def __init__(self, parameter: Parameter, parent: QWidget | None = None) -> None:
        super().__init__(parameter, parent)
        self.line = QLineEdit()
        self.describe(self.line)
        if parameter.optional:
            self.line.setPlaceholderText("automatic")
        self.slider: QSlider | None = None
        if parameter.kind in ("float", "int"):
            self.line.setFixedWidth(92)
            self.line.setAlignment(Qt.AlignmentFlag.AlignRight)
            if slider_range(parameter) is not None:
                self.slider = self._make_slider()
                self.field.addWidget(self.slider, 1)
            else:
                self.field.addStretch(1)
        self.field.addWidget(self.line, 0 if self.slider else 1)
        if parameter.unit:
            unit = QLabel(parameter.unit)
            unit.setProperty("muted", True)
            self.field.addWidget(unit)
        self.line.textEdited.connect(self._on_typed)
        self.line.editingFinished.connect(self._on_finished)

    def _make_slider(self) -> QSlider:
        slider = QSlider(Qt.Orientation.Horizontal)
        slider.setRange(0, STEPS)
        slider.setSingleStep(10)
        slider.setPageStep(50)
        self.describe(slider)
        slider.setAccessibleName(f"{self.parameter.title}, slider")
        slider.valueChanged.connect(self._on_slid)
        slider.sliderPressed.connect(self.settle)
        slider.sliderReleased.connect(self.settle)
        return slider

    def show_value(self, value: Json) -> None:
        text = self._text(value)
        if not (self.line.hasFocus() and self._means(self.line.text(), value)):
            self.line.setText(text)
        if self.slider is not None and not self.slider.isSliderDown():
            number = value if isinstance(value, int | float) and not isinstance(value, bool) else 0
            self.slider.setValue(to_slider(self.parameter, float(number)))

    def _means(self, text: str, value: Json) -> bool:
        try:
            return self.parameter.parse(text) == value
        except ValueError:
            return text == value

    @staticmethod
    def _text(value: Json) -> str:
        if value is None:
            return ""
        if isinstance(value, int | float) and not isinstance(value, bool):
            return number_text(value)
        return str(value)

    def _on_slid(self, position: int) -> None:
        if self._quiet:
            return
        value = from_slider(self.parameter, position)
        self.line.setText(self._text(value))
        self.say(self.parameter.validate(value))
        self.send(value)

    def _on_typed(self, text: str) -> None:
        try:
            value = self.parameter.parse(text)
        except ValueError as error:
            self.say(str(error))
            self._mark(True)
            return
        self.say(None)
        self._mark(False)
        self.send(value)
        if self.slider is not None and isinstance(value, int | float):
            self._quiet = True
            self.slider.setValue(to_slider(self.parameter, float(value)))
            self._quiet = False

    def _on_finished(self) -> None:
        try:
            value = self.parameter.parse(self.line.text())
        except ValueError as error:
            # The document takes it as it is, and the checks show it on the node.
            value = raw_value(self.parameter, self.line.text())
            self.say(str(error))
        self.send(value)
        self.settle()

    def _mark(self, invalid: bool) -> None:
        self.line.setProperty("invalid", invalid)
        self.line.style().unpolish(self.line)
        self.line.style().polish(self.line)

    def say(self, problem: str | None) -> None:
        super().say(problem)
        self._mark(bool(problem))


class ChoiceEditor(ParameterEditor):
    """A drop-down list."""

    def __init__(self, parameter: Parameter, parent: QWidget | None = None) -> None:
        super().__init__(parameter, parent)
        self.box = QComboBox()
        self.box.addItems(list(parameter.choices))
        self.describe(self.box)
        self.field.addWidget(self.box, 1)
        self.box.activated.connect(self._on_chosen)

    def show_value(self, value: Json) -> None:
        self.box.setCurrentIndex(self.box.findText(str(value)))

    def _on_chosen(self, index: int) -> None:
        self.say(None)
        self.send(self.box.itemText(index))
        self.settle()


class BoolEditor(ParameterEditor):
    """A tick box."""

    def __init__(self, parameter: Parameter, parent: QWidget | None = None) -> None:
        super().__init__(parameter, parent)
        self.box = QCheckBox("Yes")
        self.describe(self.box)
        self.field.addWidget(self.box, 1)
        self.box.toggled.connect(self._on_toggled)

    def show_value(self, value: Json) -> None:
        self.box.setChecked(value is True)

    def _on_toggled(self, checked: bool) -> None:
        if not self._quiet:
            self.send(checked)
            self.settle()


class PathEditor(TextEditor):
    """A file, or one of the photographs that come with the studio."""

    base: Path | None = None  # the document's folder

    def __init__(self, parameter: Parameter, parent: QWidget | None = None) -> None:
        super().__init__(parameter, parent)
        self.browse = QToolButton()
        self.browse.setIcon(icons.icon("folder-open-outline"))
        self.browse.setToolTip("Choose a file")
        self.browse.setAccessibleName("Choose a file")
        self.browse.clicked.connect(self._on_browse)
        self.samples = QToolButton()
        self.samples.setIcon(icons.icon("image-multiple-outline"))
        self.samples.setToolTip("Photographs that come with the studio")
        self.samples.setAccessibleName("Sample photographs")
        self.samples.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(self.samples)
        for path in sorted(resources.path("images").glob("*.png")):
            action = menu.addAction(path.stem.capitalize())
            action.setData(f"sample:{path.stem}")
        menu.triggered.connect(lambda action: self._take(action.data()))
        self.samples.setMenu(menu)
        self.samples.setVisible(not parameter.files)
        self.field.addWidget(self.samples)
        self.field.addWidget(self.browse)

    def _take(self, source: str) -> None:
        self.settle()
        self.line.setText(source)
        self.say(self.parameter.validate(source))
        self.send(source)
        self.settle()

    def _on_browse(self) -> None:
        start = str(self.base or Path.home())
        endings = " ".join(f"*{ending}" for ending in self.parameter.files)
        title, shown = ("Choose a file", f"Files ({endings});;All files (*)")
        if not endings:
            title, shown = "Choose an image", IMAGE_FILTER
        chosen = FileChooser.ask(self, title, start, shown)
        if chosen:
            self._take(portable(Path(chosen), self.base))


def make_editor(parameter: Parameter) -> ParameterEditor:
    """The editor that a parameter's kind asks for."""
    kinds = {"choice": ChoiceEditor, "bool": BoolEditor, "path": PathEditor}
    return kinds.get(parameter.kind, TextEditor)(parameter)
