"""Commands as data: what can be asked for, and by which key.

``app.menu_table`` says where each appears. The handler of a
command is the method of the same name (dots become underscores) of ``app.commands.Commands``.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["COMMANDS", "Command"]


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
        "file.bundle",
        "Save a bundle…",
        "package-variant-closed",
        (),
        "Save the document with its pictures, kernels and weights in one file",
    ),
    Command(
        "file.template",
        "Save as a template",
        "file-star-outline",
        (),
        "Keep a copy, files included, that new documents can begin from",
    ),
    Command(
        "file.export",
        "Export script…",
        "export-variant",
        ("Ctrl+E",),
        "Write the Python script that the graph means",
    ),
    Command("file.import", "Import script…", "import", (), "Make a graph from a Python script"),
    Command(
        "file.restore",
        "Begin where I stopped",
        "history",
        (),
        "Open what was open, unsaved changes included; closing then asks nothing and keeps all",
        checkable=True,
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
        "edit.duplicate_wired",
        "Duplicate with inputs",
        "content-duplicate",
        ("Ctrl+Alt+D",),
        "Copy the selected nodes, wired to what feeds them",
        True,
    ),
    Command(
        "edit.replace",
        "Replace by…",
        "swap-horizontal",
        ("R",),
        "Change the type, keep the wires",
        True,
    ),
    Command(
        "edit.dissolve",
        "Remove and rejoin",
        "link-variant",
        ("Ctrl+Delete", "Ctrl+Backspace"),
        "Remove the node and join what it stood between",
        True,
    ),
    Command(
        "edit.off",
        "Switch off or on",
        "power",
        ("M",),
        "Leave the selected nodes out, or let them take part again",
        True,
    ),
    Command(
        "edit.bypass",
        "Pass by or not",
        "debug-step-over",
        ("B",),
        "Hand the input through unchanged, or compute again",
        True,
    ),
    Command(
        "edit.connect",
        "Start a wire…",
        "connection",
        ("C",),
        "Choose a port of the selected node, then its other end",
        True,
    ),
    Command(
        "edit.find", "Find node…", "magnify", ("Ctrl+F",), "Find a node of this graph by its name"
    ),
    Command(
        "edit.backdrop",
        "Backdrop",
        "card-outline",
        ("Ctrl+G",),
        "Put a backdrop behind the selected nodes",
        True,
    ),
    Command("edit.note", "Note", "note-text-outline", ("N",), "Put a note on the canvas", True),
    Command(
        "edit.align_left",
        "Align left edges",
        "align-horizontal-left",
        (),
        "Line the selected nodes up on the left",
    ),
    Command(
        "edit.align_right",
        "Align right edges",
        "align-horizontal-right",
        (),
        "Line the selected nodes up on the right",
    ),
    Command(
        "edit.align_top",
        "Align top edges",
        "align-vertical-top",
        (),
        "Line the selected nodes up at the top",
    ),
    Command(
        "edit.align_bottom",
        "Align bottom edges",
        "align-vertical-bottom",
        (),
        "Line the selected nodes up at the bottom",
    ),
    Command(
        "edit.spread_across",
        "Spread across",
        "distribute-horizontal-center",
        (),
        "Equal gaps from left to right",
    ),
    Command(
        "edit.spread_down",
        "Spread down",
        "distribute-vertical-center",
        (),
        "Equal gaps from top to bottom",
    ),
    Command(
        "edit.walk_left",
        "To the node before",
        "arrow-left",
        ("Left",),
        "Go back along a wire",
        True,
    ),
    Command(
        "edit.walk_right", "To the node behind", "arrow-right", ("Right",), "Go along a wire", True
    ),
    Command(
        "edit.walk_up", "To the node above", "arrow-up", ("Up",), "Select the node above", True
    ),
    Command(
        "edit.walk_down",
        "To the node below",
        "arrow-down",
        ("Down",),
        "Select the node below",
        True,
    ),
    Command(
        "edit.move_left",
        "Move left",
        "arrow-left-bold",
        ("Ctrl+Left",),
        "Move the selected nodes",
        True,
    ),
    Command(
        "edit.move_right",
        "Move right",
        "arrow-right-bold",
        ("Ctrl+Right",),
        "Move the selected nodes",
        True,
    ),
    Command(
        "edit.move_up", "Move up", "arrow-up-bold", ("Ctrl+Up",), "Move the selected nodes", True
    ),
    Command(
        "edit.move_down",
        "Move down",
        "arrow-down-bold",
        ("Ctrl+Down",),
        "Move the selected nodes",
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
    Command(
        "group.make",
        "Group",
        "select-group",
        ("Ctrl+Shift+G",),
        "Turn the selected nodes into one that can be used again",
        True,
    ),
    Command(
        "group.ungroup",
        "Ungroup",
        "ungroup",
        ("Ctrl+Alt+G",),
        "Put what the group holds in its place",
        True,
    ),
    Command(
        "group.detach",
        "Make independent",
        "call-split",
        (),
        "Give this use of the group a definition of its own",
    ),
    Command(
        "group.open", "Open group", "arrow-expand", ("Return",), "Show what the group holds", True
    ),
    Command(
        "group.leave",
        "Leave group",
        "arrow-collapse",
        ("Shift+Return",),
        "Go back to where the group is used",
        True,
    ),
    Command("group.input", "Add an input port", "import", (), "A new port into the open group"),
    Command("group.output", "Add an output port", "export", (), "A new port out of the open group"),
    Command("view.fit", "Fit graph", "fit-to-screen-outline", ("F",), "Show every node", True),
    Command("view.zoom_in", "Zoom in", "magnify-plus-outline", ("Ctrl++", "Ctrl+="), "Nearer"),
    Command("view.zoom_out", "Zoom out", "magnify-minus-outline", ("Ctrl+-",), "Farther"),
    Command(
        "view.snap",
        "Snap to the grid",
        "grid",
        (),
        "Nodes that are moved stop at the dots",
        checkable=True,
    ),
    Command(
        "view.keep_place",
        "Bookmark this view",
        "bookmark-plus-outline",
        ("Ctrl+B",),
        "Remember what is in view",
    ),
    Command(
        "view.next_place",
        "Next bookmark",
        "bookmark-outline",
        ("Ctrl+Shift+B",),
        "Go to the next remembered view",
    ),
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
    Command(
        "view.contrast",
        "High contrast",
        "contrast-circle",
        (),
        "Switch to black, white and strong colours, or back",
        checkable=True,
    ),
    Command("run.run", "Run", "play", ("F5",), "Run the problem, or go on after a pause"),
    Command("run.pause", "Pause", "pause", ("F6",), "Hold after this iteration"),
    Command("run.step", "Step", "skip-next", ("F7",), "Do one iteration and hold"),
    Command("run.stop", "Stop", "stop", ("Shift+F5",), "Stop and keep the last iterate"),
    Command(
        "run.to_node",
        "Run up to this node",
        "step-forward",
        ("Ctrl+F5",),
        "Compute the selected node and what it depends on",
    ),
    Command(
        "run.look",
        "Look at this wire",
        "eye-outline",
        ("L",),
        "Compute what flows through the selected wire, and show it",
        True,
    ),
    Command("run.plan", "Explain the plan", "text-box-search-outline", (), "How it is solved"),
    Command(
        "help.commands",
        "All commands…",
        "console",
        ("Ctrl+Shift+P",),
        "Find any command by its name",
    ),
    Command("help.legend", "Ports and wires", "shape-outline", (), "What colours and shapes mean"),
    Command("help.welcome", "Welcome", "home-outline", (), "Examples, recent files, the tour"),
    Command("help.tour", "Tour", "map-marker-path", (), "Build a problem in five steps"),
    Command(
        "help.node", "Help on this node", "help-circle-outline", ("F1",), "What the node computes"
    ),
    Command("help.keys", "Keyboard shortcuts", "keyboard-outline", ("Ctrl+/",), "Every shortcut"),
    Command("help.about", "About", "information-outline", (), "Version and licences"),
)
