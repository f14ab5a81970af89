"""Variables, and the linear operators that act on them or on data."""

from __future__ import annotations

from nodes.parameter import Parameter, number_text
from nodes.spec import Form, NodeSpec, Notation, Port, PortType

__all__ = ["DATA", "OUTPUT", "SPECS", "operand"]

# Operators take data as well as expressions: the same operator simulates and models.
DATA = (PortType.IMAGE, PortType.KERNEL, PortType.MASK, PortType.ARRAY, PortType.SOLUTION)


def operand(name: str = "x", title: str = "input") -> Port:
    """A port for what an operator acts on."""
    return Port(
        name, title, PortType.EXPRESSION, also=DATA, help="A variable, an operator or an image."
    )


OUTPUT = Port("output", "output", PortType.EXPRESSION)

SPECS = (
    NodeSpec(
        type="variable",
        title="Variable",
        category="variables",
        function="Variable",
        stem="x",
        icon="mdi6.alpha-x-box-outline",
        inputs=(
            Port(
                "like",
                "shape of",
                PortType.IMAGE,
                keyword="shape",
                attribute="shape",
                help="The image whose shape the unknown has.",
            ),
        ),
        outputs=(Port("variable", "variable", PortType.EXPRESSION),),
        parameters=(
            Parameter(
                "dtype",
                "values",
                "choice",
                "real",
                choices=("real", "complex"),
                literals={"real": "None", "complex": '"complex64"'},
                quiet=True,
                help="Real, or complex as in MRI and phase retrieval.",
            ),
        ),
        summary=lambda p: "complex" if p.get("dtype") == "complex" else "",
        form=Form.VARIABLE,
        formula="x",
        notation=Notation(tex="{name}", html="{name}"),
        keywords=("unknown", "minimize over"),
    ),
    NodeSpec(
        type="conv",
        title="Convolution",
        category="operators",
        function="conv",
        stem="conv",
        icon="mdi6.blur",
        inputs=(
            operand(),
            Port("kernel", "kernel", PortType.KERNEL, help="The point spread function."),
        ),
        outputs=(OUTPUT,),
        parameters=(
            Parameter(
                "boundary",
                "beyond the edge",
                "choice",
                "circular",
                choices=("circular", "zero", "valid"),
                quiet=True,
                help="The other side (circular), nothing (zero), or keep only pixels that need "
                "nothing from there (valid).",
            ),
        ),
        inline=True,
        polymorphic=True,
        formula="k ∗ x",
        notation=Notation(tex=r"{kernel} \ast {x}", html="{kernel} ∗ {x}", level=1, operand=1),
        keywords=("blur", "psf", "filter"),
    ),
    NodeSpec(
        type="grad",
        title="Gradient",
        category="operators",
        function="grad",
        stem="grad",
        icon="mdi6.triangle-down-outline",
        inputs=(operand(),),
        outputs=(OUTPUT,),
        parameters=(
            Parameter(
                "axes",
                "axes",
                "choice",
                "-2, -1",
                choices=("-2, -1", "-1", "-2", "-3, -2, -1"),
                literals={
                    "-2, -1": "(-2, -1)",
                    "-1": "(-1,)",
                    "-2": "(-2,)",
                    "-3, -2, -1": "(-3, -2, -1)",
                },
                quiet=True,
                help="Down and right (-2, -1), one of them, or across colours or frames too.",
            ),
            Parameter(
                "boundary",
                "beyond the edge",
                "choice",
                "circular",
                choices=("circular", "neumann", "dirichlet"),
                quiet=True,
                help="The other side (circular), the last value again (neumann), or zero "
                "(dirichlet).",
            ),
        ),
        inline=True,
        polymorphic=True,
        formula="∇x",
        notation=Notation(tex=r"\nabla {x}", html="∇{x}", level=1, operand=2),
        keywords=("total variation", "tv", "difference", "derivative", "edges"),
    ),
    NodeSpec(
        type="mask",
        title="Mask",
        category="operators",
        function="mask",
        stem="masked",
        icon="mdi6.checkerboard",
        inputs=(operand(), Port("m", "mask", PortType.MASK, help="1 measured, 0 missing.")),
        outputs=(OUTPUT,),
        inline=True,
        polymorphic=True,
        formula="m ⊙ x",
        notation=Notation(tex=r"{m} \odot {x}", html="{m} ⊙ {x}", level=1, operand=1),
        keywords=("inpainting", "missing", "sampling"),
    ),
    NodeSpec(
        type="mosaic",
        title="Bayer mosaic",
        category="operators",
        function="mosaic",
        stem="mosaic",
        icon="mdi6.view-grid-outline",
        inputs=(operand(),),
        outputs=(OUTPUT,),
        parameters=(
            Parameter(
                "pattern",
                "pattern",
                "choice",
                "RGGB",
                choices=("RGGB", "BGGR", "GRBG", "GBRG"),
                quiet=True,
                help="The colours of the four pixels in the top left corner, row by row.",
            ),
        ),
        inline=True,
        polymorphic=True,
        formula="M x",
        notation=Notation(tex=r"M {x}", html="M {x}", level=1, operand=2),
        summary=lambda p: str(p.get("pattern")),
        keywords=("demosaicking", "bayer", "colour filter", "camera"),
    ),
    NodeSpec(
        type="mul_elementwise",
        title="Multiply by image",
        category="operators",
        function="mul_elementwise",
        stem="product",
        icon="mdi6.close",
        inputs=(
            operand(),
            Port("w", "factor", PortType.IMAGE, help="One factor for each pixel."),
        ),
        outputs=(OUTPUT,),
        inline=True,
        polymorphic=True,
        formula="w ⊙ x",
        notation=Notation(tex=r"{w} \odot {x}", html="{w} ⊙ {x}", level=1, operand=1),
        keywords=("elementwise", "weight", "hadamard"),
    ),
    NodeSpec(
        type="add",
        title="Add",
        category="operators",
        function="",
        about="The sum of two expressions or images of the same shape, element by element.",
        stem="sum",
        icon="mdi6.plus",
        inputs=(operand("a", "first"), operand("b", "second")),
        outputs=(OUTPUT,),
        form=Form.INFIX,
        constants={"operator": "+"},
        inline=True,
        polymorphic=True,
        formula="a + b",
        notation=Notation(tex="{a} + {b}", html="{a} + {b}", level=0, operand=0),
        keywords=("plus", "sum"),
    ),
    NodeSpec(
        type="subtract",
        title="Subtract",
        category="operators",
        function="",
        about="The difference of two expressions or images of the same shape, element by element.",
        stem="difference",
        icon="mdi6.minus",
        inputs=(operand("a", "from"), operand("b", "what")),
        outputs=(OUTPUT,),
        form=Form.INFIX,
        constants={"operator": "-"},
        inline=True,
        polymorphic=True,
        formula="a − b",
        notation=Notation(tex="{a} - {b}", html="{a} − {b}", level=0, operand=0),
        keywords=("minus", "residual", "difference"),
    ),
    NodeSpec(
        type="scale",
        title="Scale",
        category="operators",
        function="",
        about="An expression or an image times a number.",
        stem="scaled",
        icon="mdi6.multiplication",
        inputs=(operand(),),
        outputs=(OUTPUT,),
        parameters=(
            Parameter("factor", "factor", "float", 2.0, soft=(-10, 10), help="Any finite number."),
        ),
        form=Form.SCALE,
        inline=True,
        polymorphic=True,
        formula="c x",
        notation=Notation(tex=r"{factor} \, {x}", html="{factor} {x}", level=1, operand=1),
        summary=lambda p: (
            f"× {number_text(f)}" if isinstance(f := p.get("factor"), float | int) else ""
        ),
        keywords=("multiply", "factor", "negative"),
    ),
)
