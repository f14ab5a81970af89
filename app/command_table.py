"""Commands and menus as data: what can be asked for, by which key, and where it stands.

``COMMANDS`` says what there is; ``MENUS`` and ``TOOLBAR`` where it appears. The handler of a
command is the method of the same name (dots become underscores) of ``app.commands.Commands``.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["CANVAS_MENU", "COMMANDS", "MENUS", "SEPARATOR", "TOOLBAR", "Command"]

SEPARATOR = "-"


@dataclass(frozen=True)
class Command:
    """One thing a person can ask for.

    Attributes:
        id: "file.open" is handled by ``file_open``.
        text: in menus, sentence case.
        icon: a QtAwesome name, without its family.
        keys: shortcuts, the first one shown.
        tip: one sentence for the tooltip.
        canvas: its keys work only while the canvas has the focus, so that letters and Delete
            typed into a field stay in the field.
        checkable: it can be on or off.
        short: the text on the toolbar.
    """

    id: str
    text: str
    icon: str = ""
    keys: tuple[str, ...] = ()
    tip: str = ""
    canvas: bool = False
    checkable: bool = False
    short: str = ""

    @property
    def handler(self) -> str:
        """The name of the method that carries it out."""
        return self.id.replace(".", "_")


COMMANDS: tuple[Command, ...] = (
    Command("file.new", "New", "file-outline", ("Ctrl+N",), "Start an empty graph"),
    Command("file.open", "Open…", "folder-open-outline", ("Ctrl+O",), "Open a document"),
    Command("file.save", "Save", "content-save-outline", ("Ctrl+S",), "Save the document"),
    Command(
        "file.save_as",
        "Save as…",
        "content-save-edit-outline",
        ("Ctrl+Shift+S",),
        "Save the document under another name",
    ),
    Command(
        "file.export",
        "Export script…",
        "export-variant",
        ("Ctrl+E",),
        "Write the Python script that the graph means",
    ),
    Command("file.quit", "Quit", "exit-to-app", ("Ctrl+Q",), "Close the studio"),
    Command("edit.undo", "Undo", "undo", ("Ctrl+Z",), "Take back the last change"),
    Command("edit.redo", "Redo", "redo", ("Ctrl+Shift+Z", "Ctrl+Y"), "Do the change again"),
    Command("edit.cut", "Cut", "content-cut", ("Ctrl+X",), "Cut the selected nodes", True),
    Command("edit.copy", "Copy", "content-copy", ("Ctrl+C",), "Copy the selected nodes", True),
    Command("edit.paste", "Paste", "content-paste", ("Ctrl+V",), "Paste nodes", True),
    Command(
        "edit.duplicate",
        "Duplicate",
        "content-duplicate",
        ("Ctrl+D",),
        "Copy the selected nodes beside themselves",
        True,
    ),
    Command(
        "edit.delete",
        "Delete",
        "trash-can-outline",
        ("Delete", "Backspace"),
        "Remove the selected nodes and wires",
        True,
    ),
    Command("edit.select_all", "Select all", "select-all", ("Ctrl+A",), "Select every node", True),
    Command("edit.rename", "Rename", "rename-box", ("F2",), "Rename the selected node", True),
    Command(
        "edit.add", "Add node…", "plus-box-outline", ("Space", "Tab"), "Find a node by name", True
    ),
    Command(
        "edit.arrange",
        "Arrange nodes",
        "sitemap-outline",
        ("Ctrl+L",),
        "Lay the graph out from left to right",
    ),
    Command("view.fit", "Fit graph", "fit-to-screen-outline", ("F",), "Show every node", True),
    Command("view.zoom_in", "Zoom in", "magnify-plus-outline", ("Ctrl++", "Ctrl+="), "Nearer"),
    Command("view.zoom_out", "Zoom out", "magnify-minus-outline", ("Ctrl+-",), "Farther"),
    Command("view.build", "Build", "hammer-wrench", ("Ctrl+1",), "All panes, as they come"),
    Command("view.watch", "Watch", "monitor-eye", ("Ctrl+2",), "Large pictures and curves"),
    Command(
        "view.present", "Present", "presentation", ("Ctrl+3",), "Formula, iterate and curves only"
    ),
    Command(
        "view.dark",
        "Dark theme",
        "theme-light-dark",
        ("Ctrl+Shift+D",),
        "Switch between the dark and the light theme",
        checkable=True,
    ),
    Command("run.run", "Run", "play", ("F5",), "Run the problem, or go on after a pause"),
    Command("run.pause", "Pause", "pause", ("F6",), "Hold after this iteration"),
    Command("run.step", "Step", "skip-next", ("F7",), "Do one iteration and hold"),
    Command("run.stop", "Stop", "stop", ("Shift+F5",), "Stop and keep the last iterate"),
    Command("run.plan", "Explain the plan", "text-box-search-outline", (), "How it is solved"),
    Command(
        "help.node", "Help on this node", "help-circle-outline", ("F1",), "What the node computes"
    ),
    Command("help.keys", "Keyboard shortcuts", "keyboard-outline", ("Ctrl+/",), "Every shortcut"),
    Command("help.about", "About", "information-outline", (), "Version and licences"),
)

#: Menu title → ids, separators, and names of submenus in angle brackets.
MENUS: dict[str, tuple[str, ...]] = {
    "File": (
        "file.new", "file.open", "<recent>", "<examples>", SEPARATOR,
        "file.save", "file.save_as", SEPARATOR, "file.export", SEPARATOR, "file.quit",
    ),
    "Edit": (
        "edit.undo", "edit.redo", SEPARATOR, "edit.cut", "edit.copy", "edit.paste",
        "edit.duplicate", "edit.delete", SEPARATOR, "edit.select_all", "edit.rename", SEPARATOR,
        "edit.add", "edit.arrange",
    ),
    "View": (
        "view.fit", "view.zoom_in", "view.zoom_out", SEPARATOR, "view.build", "view.watch",
        "view.present", SEPARATOR, "<panes>", SEPARATOR, "view.dark",
    ),
    "Run": ("run.run", "run.pause", "run.step", "run.stop", SEPARATOR, "run.plan"),
    "Help": ("help.node", "help.keys", "help.about"),
}  # fmt: skip

TOOLBAR: tuple[str, ...] = ("run.run", "run.pause", "run.step", "run.stop")
CANVAS_MENU: tuple[str, ...] = (
    "edit.add", SEPARATOR, "edit.cut", "edit.copy", "edit.paste", "edit.duplicate", "edit.delete",
    SEPARATOR, "edit.rename", SEPARATOR, "edit.select_all", "view.fit", "edit.arrange",
)  # fmt: skip
