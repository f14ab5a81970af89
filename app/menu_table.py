"""Menus as data: where each command of ``app.command_table`` appears."""

from __future__ import annotations

__all__ = ["CANVAS_MENU", "MENUS", "SEPARATOR", "SUBMENUS", "TOOLBAR"]

SEPARATOR = "-"

#: Menu title → ids, separators, and names of submenus in angle brackets.
MENUS: dict[str, tuple[str, ...]] = {
    "File": (
        "file.new", "<templates>", "file.open", "<recent>", "<examples>", SEPARATOR,
        "file.save", "file.save_as", "file.bundle", "file.template", SEPARATOR, "file.export",
        "file.import", SEPARATOR, "file.restore", "file.quit",
    ),
    "Edit": (
        "edit.undo", "edit.redo", SEPARATOR, "edit.cut", "edit.copy", "edit.paste",
        "edit.duplicate", "edit.duplicate_wired", "edit.delete", "edit.dissolve", SEPARATOR,
        "edit.select_all", "edit.find", "edit.rename", SEPARATOR,
        "edit.add", "edit.replace", "edit.connect", "edit.off", "edit.bypass", SEPARATOR,
        "<group>", "edit.backdrop", "edit.note", "edit.arrange", "<align>", "<walk>",
    ),
    "View": (
        "view.fit", "view.zoom_in", "view.zoom_out", "view.snap",
        "view.keep_place", "view.next_place", SEPARATOR, "view.build", "view.watch",
        "view.present", SEPARATOR, "<panes>", SEPARATOR, "view.dark",
        "view.contrast",
    ),
    "Run": (
        "run.run", "run.to_node", "run.look", "run.pause", "run.step", "run.stop", SEPARATOR,
        "run.plan",
    ),
    "Help": (
        "help.node", "help.legend", "help.commands", "help.welcome", "help.tour", "help.keys",
        "help.about",
    ),
}  # fmt: skip

#: Submenu → its title and ids.
SUBMENUS: dict[str, tuple[str, tuple[str, ...]]] = {
    "<group>": ("Group", (
        "group.make", "group.ungroup", "group.detach", "group.open", "group.leave", SEPARATOR,
        "group.input", "group.output",
    )),
    "<align>": ("Align", (
        "edit.align_left", "edit.align_right", "edit.align_top", "edit.align_bottom", SEPARATOR,
        "edit.spread_across", "edit.spread_down",
    )),
    "<walk>": ("By keyboard", (
        "edit.walk_left", "edit.walk_right", "edit.walk_up", "edit.walk_down", SEPARATOR,
        "edit.move_left", "edit.move_right", "edit.move_up", "edit.move_down",
    )),
}  # fmt: skip

TOOLBAR: tuple[str, ...] = ("run.run", "run.pause", "run.step", "run.stop")
CANVAS_MENU: tuple[str, ...] = (
    "edit.add", SEPARATOR, "edit.cut", "edit.copy", "edit.paste", "edit.duplicate", "edit.delete",
    SEPARATOR, "edit.rename", "edit.replace", "edit.dissolve", "edit.off", "edit.bypass",
    SEPARATOR, "run.to_node", "run.look", "group.make", "group.open", "group.leave",
    "group.ungroup", "edit.backdrop", "edit.note", SEPARATOR, "edit.select_all", "view.fit",
    "edit.arrange",
)  # fmt: skip
