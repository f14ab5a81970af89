"""Every edit a person can make, checked before anything is touched."""

from nodes.commands.content import (
    DropParameter,
    MoveNodes,
    Rename,
    SetNote,
    SetOnAll,
    SetParameter,
    SetTitle,
)
from nodes.commands.framing import PutFrame, RemoveFrames
from nodes.commands.graph import AddNode, Connect, Disconnect, RemoveNodes, new_node
from nodes.commands.grouping import (
    DefineGroup,
    MakeGroup,
    RenameGroup,
    Ungroup,
    new_port,
    new_use,
)
from nodes.commands.macro import Macro
from nodes.commands.rewire import ChangeType, Dissolve, SetMode, Splice, splice
from nodes.commands.sharing import Detach, Expose
from nodes.history import Command, History

__all__ = [
    "AddNode",
    "ChangeType",
    "Command",
    "Connect",
    "DefineGroup",
    "Detach",
    "Disconnect",
    "Dissolve",
    "DropParameter",
    "Expose",
    "History",
    "Macro",
    "MakeGroup",
    "MoveNodes",
    "PutFrame",
    "RemoveFrames",
    "RemoveNodes",
    "Rename",
    "RenameGroup",
    "SetMode",
    "SetNote",
    "SetOnAll",
    "SetParameter",
    "SetTitle",
    "Splice",
    "Ungroup",
    "new_node",
    "new_port",
    "new_use",
    "splice",
]
