"""The methods: how each is built from a model, and what its plan says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from dprox_core.algorithms.admm import Admm
from dprox_core.algorithms.base import Algorithm
from dprox_core.algorithms.fista import Fista
from dprox_core.algorithms.plug_and_play import PlugAndPlay
from dprox_core.compiler.build_admm import build_admm
from dprox_core.compiler.build_fista import build_fista
from dprox_core.compiler.build_plug_and_play import build_plug_and_play, has_prior
from dprox_core.compiler.plan import Plan
from dprox_core.compiler.shared import Request
from dprox_core.errors import CompileError, ParameterError

__all__ = ["METHODS"]


def _admm(request: Request) -> tuple[Algorithm[Any], Plan]:
    if has_prior(request.model):
        return build_plug_and_play(request, "admm")
    _refuse_courses("admm", request)
    return build_admm(request)


def _hqs(request: Request) -> tuple[Algorithm[Any], Plan]:
    if has_prior(request.model):
        return build_plug_and_play(request, "hqs")
    raise CompileError(
        'hqs is for problems with a deep prior, and this one has none: use method "admm".',
        expected="a deep prior",
        got=request.text,
        where=request.text,
    )


def _refuse_courses(method: str, request: Request) -> None:
    for name in ("sigmas", "steps"):
        if request.options.get(name) is not None:
            raise ParameterError(
                f"{name} belongs to deep priors, and this problem has none: leave it out.",
                expected=None,
                got=request.options[name],
                where=name,
            )


METHODS: Mapping[str, tuple[tuple[str, ...], Callable[..., tuple[Algorithm[Any], Plan]]]] = {
    "admm": (tuple(dict.fromkeys([*Admm.options, *PlugAndPlay.options])), _admm),
    "hqs": (tuple(PlugAndPlay.options), _hqs),
    "fista": (tuple(Fista.options), build_fista),
}
"""Method name → its options' names, and what builds it."""
