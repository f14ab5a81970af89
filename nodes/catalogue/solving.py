"""The problem, and the views of what comes out."""

from __future__ import annotations

from nodes.parameter import Parameter
from nodes.spec import Form, NodeSpec, Port, PortType

__all__ = ["SPECS"]

SPECS = (
    NodeSpec(
        type="problem",
        title="Problem",
        category="problem",
        function="Problem",
        stem="problem",
        icon="mdi6.sigma",
        inputs=(
            Port("terms", "terms", PortType.TERM, multiple=True, help="Penalties and constraints."),
        ),
        outputs=(Port("problem", "problem", PortType.PROBLEM),),
        form=Form.PROBLEM,
        formula="minimize the sum of the terms",
        keywords=("objective", "minimize", "sum"),
    ),
    NodeSpec(
        type="recovered",
        title="One unknown",
        category="problem",
        function="",
        about="What a solver found for one of several unknowns.\n\nA solution of a problem with "
        "one unknown stands for that by itself; where there are several, this node says which is "
        "meant.",
        stem="recovered",
        icon="mdi6.target-variant",
        inputs=(
            Port("solution", "solution", PortType.SOLUTION, help="What a solver found."),
            Port("variable", "variable", PortType.EXPRESSION, help="Which unknown is meant."),
        ),
        outputs=(Port("image", "image", PortType.IMAGE),),
        form=Form.RECOVERED,
        inline=True,
        formula="x*",
        keywords=("result", "several variables", "solution", "pick", "part"),
    ),
    NodeSpec(
        type="view_image",
        title="View",
        category="views",
        function="save_image",
        stem="view",
        icon="mdi6.eye-outline",
        inputs=(
            Port("image", "image", PortType.IMAGE, help="An image, kernel, mask or solution."),
        ),
        parameters=(
            Parameter(
                "label",
                "name",
                "text",
                None,
                optional=True,
                quiet=True,
                help="The name of the picture's file; automatic takes the name that was given to "
                "the node, else that of what it shows.",
            ),
            Parameter(
                "levels",
                "levels",
                "choice",
                "0…1",
                choices=("0…1", "auto"),
                literals={"0…1": "(0.0, 1.0)", "auto": '"auto"'},
                quiet=True,
                help="Black and white at 0 and 1, or at the smallest and largest value.",
            ),
            Parameter(
                "part",
                "of complex values",
                "choice",
                "modulus",
                choices=("modulus", "phase", "real", "imaginary"),
                quiet=True,
                help="What is shown of complex values; the phase goes from −π, black, to π, white.",
            ),
        ),
        form=Form.VIEW,
        summary=lambda p: str(p.get("label") or ""),
        keywords=("show", "display", "save", "output", "png"),
    ),
)
