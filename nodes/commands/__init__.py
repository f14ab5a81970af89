"""Every edit a person can make, checked before anything is touched."""

from nodes.commands.content import (
    DropParameter,
    MoveNodes,
    Rename,
    SetNote,
    SetParameter,
    SetTitle,
)
from nodes.commands.graph import AddNode, ChangeType, Connect, Disconnect, RemoveNodes, new_node
from nodes.commands.macro import Macro
from nodes.history import Command, History

__all__ = [
    "AddNode",
    "ChangeType",
    "Command",
    "Connect",
    "Disconnect",
    "DropParameter",
    "History",
    "Macro",
    "MoveNodes",
    "RemoveNodes",
    "Rename",
    "SetNote",
    "SetParameter",
    "SetTitle",
    "new_node",
]
