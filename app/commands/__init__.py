"""What each command of ``app.command_table`` does: a method for each id."""

from __future__ import annotations

from collections.abc import Callable

from app.commands.add import AddCommands
from app.commands.edit import EditCommands
from app.commands.graph import GraphCommands
from app.commands.groups import GroupingCommands
from app.commands.run import RunCommands
from app.commands.view import ViewCommands

__all__ = ["Commands"]


class Commands(
    AddCommands, EditCommands, GraphCommands, GroupingCommands, ViewCommands, RunCommands
):
    """The handlers, with the window they act on."""

    def handler(self, identifier: str) -> Callable[[], object]:
        """The method of a command."""
        method: Callable[[], object] = getattr(self, identifier.replace(".", "_"))
        return method
