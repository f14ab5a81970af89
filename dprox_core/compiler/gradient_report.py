"""Which data of a problem receives a gradient through a solve, found by asking autograd."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch

from dprox_core.arguments import whole_number
from dprox_core.expressions.leaves import Constant, Placeholder
from dprox_core.problem import Problem, as_problem
from dprox_core.proxfns.base import Objective

__all__ = ["GradientRow", "gradient_report"]


@dataclass(frozen=True)
class GradientRow:
    """One piece of data and what a derivative of the solution finds there.

    Attributes:
        name: the placeholder's name, the role a tensor plays, the option's name, or what holds the
            parameter.
        kind: "placeholder", "tensor", "network", or "option" for a tensor among those given.
        shape: its shape.
        receives: whether a gradient that is not zero arrives.
        wanted: whether it asks for one (``requires_grad``) as it is now.
        reason: a sentence.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    receives: bool
    wanted: bool
    reason: str


def gradient_report(
    problem: Problem | Objective, method: str = "admm", *, steps: int = 3, **options: Any
) -> tuple[GradientRow, ...]:
    """For every placeholder, tensor and network of a problem, whether gradients reach it.

    Solves ``steps`` iterations with every piece of floating-point data asking for a gradient, and
    looks at which one got one. The problem is left as it was.

    Args:
        problem: the problem, or its objective; its placeholders have values.
        method: the algorithm, as for ``Problem.solve``.
        steps: iterations to differentiate through, from 1.
        options: further options of the algorithm.

    Returns:
        One row for each piece of data.

    Raises:
        ParameterError: a placeholder has no value, or steps is no whole number from 1.
        CompileError: the method does not accept the problem.

    Example:
        >>> import torch, dprox_core as dp
        >>> kernel = dp.Placeholder("kernel", value=torch.full((3, 3), 1 / 9))
        >>> x = dp.Variable("x", shape=(1, 1, 8, 8))
        >>> problem = dp.Problem(dp.sum_squares(dp.conv(x, kernel) - torch.rand(1, 1, 8, 8)))
        >>> [(row.name, row.receives) for row in dp.gradient_report(problem)]
        [('kernel', True), ('b', True)]
    """
    whole_number("steps", steps, "steps")
    problem = as_problem(problem)
    slots = [*_slots(problem), *_options(options)]
    originals = [read() for _, _, read, _ in slots]
    copies: list[torch.Tensor | None] = []
    networks: list[tuple[str, torch.Tensor]] = []
    wanted: list[bool] = []
    try:
        for (_, _, _, write), value in zip(slots, originals, strict=True):
            copy = None
            if value is not None and (value.is_floating_point() or value.is_complex()):
                # Whatever the caller has switched off.
                with torch.inference_mode(False):
                    copy = value.detach().clone().requires_grad_()
                write(copy)
            copies.append(copy)
        networks = _networks(problem)
        wanted = [parameter.requires_grad for _, parameter in networks]
        for _, parameter in networks:
            parameter.requires_grad_()
        given = [*copies, *(parameter for _, parameter in networks)]
        found = _gradients(problem, method, steps, options, given)
    finally:
        for (_, parameter), asked in zip(networks, wanted, strict=False):
            parameter.requires_grad_(asked)
        for (_, _, _, write), value in zip(slots, originals, strict=True):
            if value is not None:
                write(value)
    rows = []
    for (name, kind, _, _), value, gradient in zip(slots, originals, found, strict=False):
        assert value is not None, "solving has refused placeholders without a value"
        rows.append(_row(name, kind, value, gradient))
    for (name, parameter), gradient in zip(networks, found[len(slots) :], strict=True):
        rows.append(_row(name, "network", parameter, gradient))
    return tuple(rows)


Slot = tuple[str, str, Callable[[], torch.Tensor | None], Callable[[torch.Tensor], None]]


def _slots(problem: Problem) -> list[Slot]:
    """Where data sits: how to read and replace it."""
    found: dict[int, Slot] = {}
    for term in problem.whole.terms:
        for expression in term.expressions():
            for node in expression.walk():
                if isinstance(node, Placeholder):
                    found.setdefault(id(node), _placeholder(node))
                elif isinstance(node, Constant) and (
                    not node.is_number or node.tensor.requires_grad
                ):
                    found.setdefault(id(node), _constant(node))
    return list(found.values())


def _placeholder(node: Placeholder) -> Slot:
    def write(value: torch.Tensor) -> None:
        node.value = value

    return node.describe(), "placeholder", lambda: node.value, write


def _constant(node: Constant) -> Slot:
    def write(value: torch.Tensor) -> None:
        node.tensor = value

    return node.role, "tensor", lambda: node.tensor, write


def _options(options: dict[str, Any]) -> list[Slot]:
    """Tensors among the options, such as ρ; they are replaced in place."""
    return [
        (name, "option", partial(options.get, name), partial(options.__setitem__, name))
        for name, value in options.items()
        if isinstance(value, torch.Tensor)
    ]


def _networks(problem: Problem) -> list[tuple[str, torch.Tensor]]:
    """What priors and learned operators hold, each once, with a name."""
    found: dict[int, tuple[str, torch.Tensor]] = {}
    for term in problem.whole.terms:
        for parameter in term.function.parameters(term.options):
            name = f"parameter of {term.describe_function()}"
            found.setdefault(id(parameter), (name, parameter))
        for expression in term.expressions():
            for node in expression.walk():
                for parameter in node.held_tensors():
                    name = f"parameter of {node.describe()}"
                    found.setdefault(id(parameter), (name, parameter))
    return list(found.values())


def _gradients(
    problem: Problem,
    method: str,
    steps: int,
    options: dict[str, Any],
    inputs: list[torch.Tensor | None],
) -> list[torch.Tensor | None]:
    wanted = [t for t in inputs if t is not None]
    with torch.inference_mode(False), torch.enable_grad():
        solver = problem.compile(method, **options)
        state = solver.algorithm.begin(solver.init(), steps)
        for _ in range(steps):
            state = solver.step(state)
        answer = solver.algorithm.answer(state)
        # Weights that no symmetry cancels.
        total = sum(
            (v * torch.linspace(0.5, 1.5, v.numel(), device=v.device).reshape(v.shape)).abs().sum()
            for v in answer
        )
        assert isinstance(total, torch.Tensor)
        gradients: list[torch.Tensor | None] = [None] * len(wanted)
        if total.requires_grad and wanted:
            gradients = list(torch.autograd.grad(total, wanted, allow_unused=True))
    arrived = iter(gradients)
    return [None if t is None else next(arrived) for t in inputs]


def _row(name: str, kind: str, value: torch.Tensor, gradient: torch.Tensor | None) -> GradientRow:
    differentiable = value.is_floating_point() or value.is_complex()
    receives = gradient is not None and not _vanishes(gradient)
    if not differentiable:
        reason = f"{name} holds whole numbers or truth values: nothing to differentiate."
    elif gradient is None:
        reason = f"The solution does not depend on {name} in a way that autograd can follow."
    elif not receives:
        reason = f"The gradient to {name} is zero here: the solution does not feel it."
    elif value.requires_grad:
        reason = f"{name} receives a gradient."
    else:
        reason = f"{name} would receive a gradient: let its value require one (requires_grad)."
    return GradientRow(name, kind, tuple(value.shape), receives, value.requires_grad, reason)


def _vanishes(gradient: torch.Tensor) -> bool:
    if gradient.layout is torch.sparse_coo:
        gradient = gradient.coalesce().values()
    elif gradient.layout is not torch.strided:
        gradient = gradient.values()
    return not bool((gradient != 0).any())
