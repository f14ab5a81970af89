"""Problems nobody solves, and solvers that cannot solve theirs."""

from __future__ import annotations

from collections.abc import Iterator

from nodes.checks.context import Context, NodeRule, listing
from nodes.commands import AddNode, ChangeType, Connect, Macro, SetParameter, new_node
from nodes.document import Node
from nodes.issues import Fix, Issue
from nodes.spec import Form

__all__ = ["CHAINABLE", "check_options", "check_problems", "check_solvers"]

# Operators that any proximal operator absorbs, and those that only a separable one does.
_ABSORBED = ("add", "subtract", "scale")
_DIAGONAL = ("mask", "mosaic", "mul_elementwise")
# Orthogonal ones: the prox is taken behind them, but for bounds.
_ROTATIONS = ("dct", "wavelet", "reshape", "permute")
# The same where values are complex: the spectra of real images do not fill their space.
_SPECTRAL = ("fft", "ifft")
_GRADIENT_METHODS = {"fista": "FISTA", "pgd": "Proximal gradient"}
_BOUNDS = ("nonneg", "box")
_LIMITS = (*_BOUNDS, "limits", "equal")
_PRIORS = ("deep_prior", "unrolled_prior")
# Used through their gradients; proxes that act on each value alone; those of them that are convex.
_SMOOTH = (
    *("sum_squares", "huber", "sisr"),
    *("weighted_sum_squares", "quad_form", "logistic", "linear"),
)
_JOINABLE = (
    *("norm1", "weighted_norm1", "elastic_net", "quantile", "entropy", "poisson"),
    *("linf_ball", "hinge", "equal"),
)
# Penalties on one variable that the compiler may join into one, in an order that it finds: whether
# it can is for it to say.
CHAINABLE = ("norm1", "weighted_norm1", "group_norm1", "elastic_net", "norm2", "norm_inf", "nonneg")
_SEPARABLE = (*_JOINABLE, "l0", "log_sum", "scad", *_BOUNDS)


def check_problems(context: Context) -> Iterator[Issue]:
    """A problem without a solver, or with nothing to minimize."""
    document, analysis = context.document, context.analysis
    for node in document.nodes:
        spec = analysis.specs.get(node.id)
        if spec is None or spec.form is not Form.PROBLEM:
            continue
        if not document.wires_out_of(node.id):
            yield Issue(
                "warning",
                node.id,
                f"{node.name} is not solved: wire it into a solver.",
                "unsolved",
                fixes=(Fix("Add an ADMM solver", _solve(context, node)),),
            )
        terms = [analysis.values[w.source] for w in document.wires_into(node.id, "terms")]
        if terms and all(values.get("weight") == 0 for values in terms):
            yield context.error(
                node.id,
                f"{node.name} has nothing to minimize: every term has weight 0.",
                "no-objective",
            )


@NodeRule
def check_solvers(context: Context, node: Node) -> Iterator[Issue]:
    """What methods without splitting are asked for and cannot do."""
    analysis = context.analysis
    if node.type not in (*_GRADIENT_METHODS, "linear_solver") or node.is_placeholder:
        return
    problem = analysis.source(node.id, "problem")
    if problem is None or problem.type != "problem" or problem.id in analysis.incomplete:
        return
    if node.type == "linear_solver":
        yield from _nonlinear(context, node, problem)
        return
    why = _why_not(_GRADIENT_METHODS[node.type], context, problem)
    if why:
        yield context.error(
            node.id,
            f"{node.name}: {why}",
            "fista",
            port="problem",
            fixes=(Fix("Use ADMM instead", ChangeType(node.id, "admm")),),
        )


def _nonlinear(context: Context, node: Node, problem: Node) -> Iterator[Issue]:
    """What keeps a problem from being a linear program."""
    document = context.document
    terms = [document.node(w.source) for w in document.wires_into(problem.id, "terms")]
    other = next((t for t in terms if t.type not in (*_LIMITS, "linear")), None)
    if other is not None:
        why = f"{problem.name} holds {other.name}, which is no linear cost and no limit"
    elif not any(term.type == "linear" for term in terms):
        why = f"{problem.name} has no linear cost"
    else:
        return
    yield context.error(
        node.id,
        f"{node.name} solves linear programs, but {why}: use ADMM.",
        "nonlinear",
        port="problem",
    )


@NodeRule
def check_options(context: Context, node: Node) -> Iterator[Issue]:
    """Options of a solver that its problem does not go with."""
    analysis, document = context.analysis, context.document
    spec = analysis.specs.get(node.id)
    problem = analysis.source(node.id, "problem") if spec and spec.form is Form.SOLVE else None
    if spec is not None and problem is not None and not node.is_placeholder:
        values = node.values
        terms = [document.node(w.source) for w in document.wires_into(problem.id, "terms")]
        prior = next((term for term in terms if term.type in _PRIORS), None)
        for name, clashes, why in (
            ("steps", prior is None, "has no deep prior, whose noise levels they are"),
            ("anderson", prior is not None, "has a deep prior, whose noise level changes"),
            ("dual_step", prior is not None, "has a deep prior: ADMM has duals for it"),
            ("backtracking", prior is not None, "has a deep prior, and a step is its noise level"),
            (
                "step",
                prior is not None and spec.type in ("pdhg", "pd3o"),
                "has a deep prior, and its noise level goes with the dual step",
            ),
        ):
            parameter = spec.parameter(name)
            if parameter is None or not clashes or problem.type != "problem":
                continue
            if values[name] or (name == "dual_step" and values[name] is not None):
                without = "automatic" if parameter.default is None else "off"
                yield context.error(
                    node.id,
                    f"{node.name}: “{parameter.title}” cannot be set, because {problem.name} "
                    f"{why}: leave it {without}.",
                    "other-option",
                    parameter=name,
                    fixes=(
                        Fix(
                            f"Set {parameter.title} to {without}",
                            SetParameter(node.id, name, parameter.default),
                        ),
                    ),
                )


def _why_not(method: str, context: Context, problem: Node) -> str | None:
    """Why a gradient method cannot solve a problem; None if it can.

    It minimizes f + g with f smooth and one g whose proximal operator is known: Beck and
    Teboulle, SIAM J. Imaging Sciences 2(1), 2009, (4.1)–(4.3). The compiler moves numbers and
    diagonal operators into the proximal operator, and joins all bounds into one.
    """
    document, analysis = context.document, context.analysis
    terms = [document.node(w.source) for w in document.wires_into(problem.id, "terms")]
    learned = next((t for t in terms if t.type == "unrolled_prior"), None)
    if learned is not None:
        return (
            f"{method} cannot take {learned.name}: its networks are made for the steps of a "
            "splitting. Use ADMM or HQS."
        )
    rough = [t for t in terms if t.type not in _SMOOTH and t.values.get("weight") != 0]
    for term in rough:
        if len(analysis.variables.get(term.id, ())) > 1:
            return (
                f"{method} needs the proximal operator of {term.name} in one unknown, and it "
                "depends on several. Use ADMM, which splits it off."
            )
    for unknown in analysis.variables.get(problem.id, frozenset()):
        mine = [t for t in rough if unknown in analysis.variables.get(t.id, ())]
        why = _why_not_in_one(method, context, mine)
        if why:
            return why
    return None


def _why_not_in_one(method: str, context: Context, rough: list[Node]) -> str | None:
    """Why the terms of one unknown that are not smooth have no common proximal operator."""
    rotated = False
    bounds: list[Node] = []
    others: list[Node] = []
    for term in rough:
        way = _between(context, term)
        let_through = (*_ABSORBED, *_DIAGONAL) if term.type in _SEPARABLE else _ABSORBED
        rotations = [*_ROTATIONS, *(_SPECTRAL if _is_complex(context, way) else ())]
        turned = any(node.type in rotations for node in way)
        if turned and term.type not in _BOUNDS and _turns_last(context, way):
            let_through = (*let_through, *rotations)
        for node in way:
            if node.type not in let_through:
                return (
                    f"{method} needs the proximal operator of {term.name} in the variable itself, "
                    f"and {node.name} stands in between. Use ADMM, which splits it off."
                )
        rotated = rotated or turned
        masked = any(node.type in ("mask", "mosaic") for node in way)
        (bounds if term.type in _BOUNDS and not masked else others).append(term)
    if all(t.type in CHAINABLE and not _between(context, t) for t in (*others, *bounds)):
        return None
    # What was denoised is moved into its bounds.
    joined = len(others) == 1 and others[0].type in (*_JOINABLE, "deep_prior") and not rotated
    if len(others) + bool(bounds) > 1 and not joined:
        shown = [*others, *bounds[: 2 if len(others) == 0 else 1]]
        return (
            f"{method} takes one penalty beside sums of squares, and there are {len(shown)}: "
            f"{listing(t.name for t in shown)}. Use ADMM, which splits them off."
        )
    return None


def _is_complex(context: Context, way: list[Node]) -> bool:
    """Whether the transforms on a way act on complex values: only then are they orthogonal."""
    sources = [context.analysis.source(n.id, "x") for n in way if n.type in _SPECTRAL]
    return all(source is not None and source.id in context.complex for source in sources)


def _turns_last(context: Context, way: list[Node]) -> bool:
    """Whether orthogonal operators are the last on one way, with no product by pixels behind.

    The way is in order where each operator depends on the unknown through one input only.
    """
    analysis, document = context.analysis, context.document
    for node in way:
        sources = [wire.source for wire in document.wires_into(node.id)]
        if sum(bool(analysis.variables.get(source)) for source in sources) > 1:
            return False
    first = next(i for i, node in enumerate(way) if node.type in (*_ROTATIONS, *_SPECTRAL))
    return not any(node.type in _DIAGONAL for node in way[first:])


def _between(context: Context, term: Node) -> list[Node]:
    """The operators on the way from a term to its variable."""
    analysis, document = context.analysis, context.document
    found: dict[str, Node] = {}
    pending = [wire.source for wire in document.wires_into(term.id, "input")]
    while pending:
        node_id = pending.pop()
        node = document.node(node_id)
        if node_id in found or node.type == "variable" or not analysis.variables.get(node_id):
            continue
        found[node_id] = node
        pending += [wire.source for wire in document.wires_into(node_id)]
    return list(found.values())


def _solve(context: Context, problem: Node) -> Macro:
    right = (problem.position[0] + 270, problem.position[1])
    solver = new_node(context.document, "admm", position=right)
    connect = Connect(problem.id, "problem", solver.id, "problem")
    return Macro("Add an ADMM solver", (AddNode(solver), connect))
