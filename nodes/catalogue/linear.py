"""Linear programs: where they come from, their solver, and the views of an energy system."""

from __future__ import annotations

from collections.abc import Mapping

from nodes.parameter import Json, Parameter
from nodes.spec import Form, NodeSpec, Port, PortType

__all__ = ["SPECS"]

_PROGRAM = (Port("program", "program", PortType.PROGRAM),)


def _size(parameters: Mapping[str, Json]) -> str:
    return f"{parameters.get('hours')} hours, {parameters.get('nodes')} places"


def _tolerance(parameters: Mapping[str, Json]) -> str:
    return f"to {parameters.get('tol')}"


def _plot(
    type: str, title: str, icon: str, help: str, keywords: tuple[str, ...], stem: str
) -> NodeSpec:
    return NodeSpec(
        type=type,
        title=title,
        category="views",
        function=type,
        stem=stem,
        icon=icon,
        inputs=(Port("result", "optimum", PortType.OPTIMUM, help=help),),
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
        ),
        form=Form.VIEW,
        summary=lambda p: str(p.get("label") or ""),
        keywords=("chart", "plot", "csv", *keywords),
    )


SPECS = (
    NodeSpec(
        type="energy_system",
        title="Energy system",
        category="data",
        function="capacity_expansion",
        stem="system",
        icon="mdi6.transmission-tower",
        outputs=_PROGRAM,
        parameters=(
            Parameter(
                "hours",
                "hours",
                "int",
                8760,
                minimum=2,
                maximum=87_600,
                unit="h",
                scale="log",
                soft=(24, 8760),
                help="How many hours are planned; a year has 8760.",
            ),
            Parameter(
                "nodes",
                "places",
                "int",
                1,
                minimum=1,
                maximum=100,
                soft=(1, 10),
                help="How many places are joined by a ring of lines.",
            ),
            Parameter(
                "seed",
                "seed",
                "int",
                0,
                minimum=0,
                quiet=True,
                help="The same seed gives the same demand and weather, on every machine.",
            ),
            Parameter(
                "emissions",
                "emissions at most",
                "float",
                0.15,
                minimum=0,
                optional=True,
                quiet=True,
                unit="t/MWh",
                soft=(0.0, 0.37),
                decimals=3,
                help="Tonnes of CO₂ for each MWh of demand; none for no limit.",
            ),
        ),
        formula="minimize capital · capacity + running · dispatch, demand met in every hour",
        summary=_size,
        keywords=("power", "capacity expansion", "wind", "solar", "battery", "planning"),
    ),
    NodeSpec(
        type="read_lp",
        title="Load program",
        category="data",
        function="read_lp",
        stem="program",
        icon="mdi6.file-table-outline",
        outputs=_PROGRAM,
        parameters=(
            Parameter(
                "path",
                "file",
                "path",
                "model.mps",
                help="An MPS, LP or .npz file, or a PyPSA network (.nc), beside the graph.",
            ),
        ),
        formula="minimize cᵀ x, row limits on A x, bounds on x",
        summary=lambda p: str(p.get("path") or ""),
        keywords=("mps", "lp", "file", "open", "load", "pypsa", "network"),
    ),
    NodeSpec(
        type="linear_solver",
        title="LP solver",
        category="solvers",
        function="LinearProgram.solve",
        stem="result",
        icon="mdi6.chart-timeline-variant",
        inputs=(
            Port(
                "problem",
                "program",
                PortType.PROGRAM,
                also=(PortType.PROBLEM,),
                help="A linear program, or a problem of a linear cost under limits.",
            ),
        ),
        outputs=(Port("optimum", "optimum", PortType.OPTIMUM),),
        parameters=(
            Parameter(
                "tol",
                "tolerance",
                "float",
                1e-6,
                above=0,
                maximum=0.1,
                scale="log",
                soft=(1e-8, 1e-2),
                decimals=8,
                help="Relative, of residuals, gap and objective, in the units of the program.",
            ),
            Parameter(
                "max_iter",
                "iterations at most",
                "int",
                1_000_000,
                minimum=1,
                maximum=1_000_000_000,
                quiet=True,
                scale="log",
                soft=(1000, 1_000_000),
                help="The solver stops here if it is not done before.",
            ),
            Parameter(
                "time_limit",
                "time at most",
                "float",
                None,
                above=0,
                optional=True,
                quiet=True,
                unit="s",
                scale="log",
                soft=(1, 3600),
                decimals=1,
                help="The solver stops here if it is not done before.",
            ),
            Parameter(
                "presolve",
                "presolve",
                "bool",
                True,
                quiet=True,
                help="Let HiGHS reduce the program first.",
            ),
            Parameter(
                "crossover",
                "crossover",
                "bool",
                False,
                quiet=True,
                help="Let HiGHS move the solution to an optimal vertex at the end.",
            ),
        ),
        form=Form.SOLVE,
        constants={"method": "auto"},
        formula="x ← P(x − τ (c − Aᵀ y)), y ← y − σ (A x̄ − P(…)), averaged with its start",
        about="Finds the optimum of a linear program by a first-order method.\n\n"
        "Restarted primal-dual hybrid gradient with a reflected Halpern iteration needs only "
        "products with the sparse matrix, so it reaches programs with millions of variables. Where "
        "the matrix has sparse factors, ADMM with a penalty for each limit takes far fewer steps, "
        "and is chosen. Programs without a solution are proved to have none.\n\n"
        "H. Lu, Z. Peng, J. Yang, cuPDLPx: A Further Enhanced GPU-Based First-Order Solver for "
        "Linear Programming, 2025.",
        summary=_tolerance,
        keywords=("lp", "solve", "minimize", "optimize", "pdhg", "pdlp", "algorithm"),
    ),
    _plot(
        "plot_dispatch",
        "Dispatch",
        "mdi6.chart-areaspline",
        "The optimum of an energy system.",
        ("generation", "stacked", "energy"),
        "view_dispatch",
    ),
    _plot(
        "plot_capacity",
        "Installed capacity",
        "mdi6.chart-bar",
        "The optimum of an energy system.",
        ("build", "energy", "bars"),
        "view_capacity",
    ),
    _plot(
        "plot_storage",
        "State of charge",
        "mdi6.battery-medium",
        "The optimum of an energy system.",
        ("battery", "store", "energy"),
        "view_storage",
    ),
    _plot(
        "plot_prices",
        "Prices",
        "mdi6.currency-eur",
        "The optimum of an energy system.",
        ("dual", "shadow price", "energy"),
        "view_prices",
    ),
    _plot(
        "plot_values",
        "Values",
        "mdi6.chart-bar",
        "The optimum of any linear program.",
        ("solution", "amounts", "bars"),
        "view_values",
    ),
    _plot(
        "plot_convergence",
        "Convergence",
        "mdi6.chart-line",
        "The optimum of any linear program.",
        ("residual", "gap"),
        "view_convergence",
    ),
)
