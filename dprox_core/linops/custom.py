"""Operators of a user's own: two functions, or a module that autograd can transpose."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import torch

from dprox_core.errors import ParameterError, ShapeError
from dprox_core.linops.base import LinOp, apply, register
from dprox_core.linops.space import Space

if TYPE_CHECKING:
    from dprox_core.expressions.base import Expression, Shape

__all__ = ["BlackBox", "LearnedLinOp", "LinOpFactory"]

Map = Callable[[torch.Tensor], torch.Tensor]


@register
class BlackBox(LinOp):
    """A x by a function of the user's, Aᴴ y by another or by autograd."""

    name = "blackbox"

    def __init__(self, domain: Space, owner: LinOpFactory) -> None:
        probe = owner.probe(domain.shape, domain.dtype, domain.device)
        super().__init__(domain, domain.as_complex(probe.is_complex()).with_shape(probe.shape))
        self._owner = owner

    @classmethod
    def infer(
        cls, argument: Expression, operands: tuple[Expression, ...], **options: Any
    ) -> Shape | None:
        """The shape of what the function gives for zeros.

        Raises:
            ShapeError: the function fails on the argument's shape.
        """
        shape = argument.shape
        if shape is None:
            return None
        dtype = torch.complex64 if argument.is_complex else torch.float32
        return tuple(options["owner"].probe(shape, dtype, torch.device("cpu")).shape)

    @classmethod
    def is_complex_for(
        cls, argument: Expression, operands: tuple[Expression, ...], **options: Any
    ) -> bool:
        """What the function gives for zeros."""
        if argument.shape is None:
            return argument.is_complex
        dtype = torch.complex64 if argument.is_complex else torch.float32
        probe = options["owner"].probe(argument.shape, dtype, torch.device("cpu"))
        return bool(probe.is_complex())

    @classmethod
    def describe_call(cls, argument: str, operands: Sequence[str], options: dict[str, Any]) -> str:
        """The user's name of it, applied."""
        return f"{options['owner'].name}({argument})"

    @classmethod
    def held_tensors(cls, **options: Any) -> tuple[torch.Tensor, ...]:
        """The parameters of a module."""
        found: tuple[torch.Tensor, ...] = options["owner"].parameters()
        return found

    def forward(self, x: torch.Tensor, out: torch.Tensor | None = None) -> torch.Tensor:
        """The function's value, in memory of its own."""
        image = self._owner.forward(x)
        shared = image.untyped_storage().data_ptr() == x.untyped_storage().data_ptr()
        return image.clone() if shared else image

    def adjoint(self, y: torch.Tensor) -> torch.Tensor:
        """The other function's value, or autograd's vector-Jacobian product."""
        if y.is_complex() and not self.range.is_complex:
            if not self.domain.is_complex:
                return self._back(y.real)
            return torch.complex(self._back(y.real), self._back(y.imag))
        return self._back(y)

    def _back(self, y: torch.Tensor) -> torch.Tensor:
        if self._owner.adjoint is not None:
            return self.to_domain(self._owner.adjoint(y))
        differentiate = torch.is_grad_enabled()
        with torch.enable_grad():
            x = torch.zeros(
                self.domain.shape, dtype=self.domain.dtype, device=y.device, requires_grad=True
            )
            image = self._owner.forward(x)
            (back,) = torch.autograd.grad(image, x, y, create_graph=differentiate)
        return back

    def tensors(self) -> tuple[torch.Tensor, ...]:
        """The parameters of a module."""
        return self._owner.parameters()

    def diagonal(self) -> torch.Tensor | None:
        """As given by the user."""
        given = self._owner.diagonal
        return None if given is None else given.to(self.domain.device)

    def norm_bound(self) -> float:
        """As given by the user, else by power iteration."""
        given = self._owner.norm_bound
        return super().norm_bound() if given is None else given


class LinOpFactory:
    """A linear operator from two functions of your own.

    Args:
        forward: x ↦ A x, on tensors; linear, and differentiable where gradients are wanted.
        adjoint: y ↦ Aᴴ y; None lets autograd transpose ``forward``.
        diagonal: d where A x = d ⊙ x, which makes solves exact; None where A is not diagonal.
        norm_bound: an upper bound of ‖A‖; None has it estimated.
        name: what it is called in descriptions.

    Raises:
        ParameterError: one of the functions cannot be called.

    Example:
        >>> import torch, dprox_core as dp
        >>> flip = dp.LinOpFactory(lambda x: x.flip(-1), lambda y: y.flip(-1), name="flip")
        >>> x = dp.Variable("x", (1, 1, 2, 3))
        >>> flip(x).describe(), flip(torch.tensor([1.0, 2.0])).tolist()
        ('flip(x)', [2.0, 1.0])

    References:
        F. Heide et al., ProxImaL: Efficient Image Optimization using Proximal Algorithms, 2016.
    """

    def __init__(
        self,
        forward: Map,
        adjoint: Map | None = None,
        diagonal: torch.Tensor | None = None,
        norm_bound: float | None = None,
        name: str = "blackbox",
    ) -> None:
        for role, function in (("forward", forward), ("adjoint", adjoint)):
            if function is not None and not callable(function):
                raise ParameterError(
                    f"{name}: {role} must be a function of a tensor, not {function!r:.60}.",
                    expected="a function",
                    got=type(function).__name__,
                    where=role,
                )
        self.forward = forward
        self.adjoint = adjoint
        self.diagonal = diagonal
        self.norm_bound = norm_bound
        self.name = name
        self._probed: dict[object, torch.Tensor] = {}

    def __call__(self, x: Any) -> Any:
        """The operator on an expression, or on a tensor."""
        return apply(BlackBox, x, owner=self)

    def parameters(self) -> tuple[torch.Tensor, ...]:
        """None that are known of."""
        return ()

    def probe(self, shape: Sequence[int], dtype: torch.dtype, device: torch.device) -> torch.Tensor:
        """What the function gives for zeros: its shape and dtype are those of all results.

        Raises:
            ShapeError: the function fails on such a tensor.
        """
        key = (tuple(shape), dtype, device)
        held = self._probed.get(key)
        if held is None:
            try:
                with torch.no_grad():
                    held = self.forward(torch.zeros(tuple(shape), dtype=dtype, device=device))
            except Exception as error:
                raise ShapeError(
                    f"{self.name} fails on a tensor of shape {tuple(shape)}: {error}",
                    got=tuple(shape),
                    where=self.name,
                ) from error
            self._probed[key] = held
        return held


class LearnedLinOp(LinOpFactory):
    """A linear operator that is a torch module, such as convolutions without bias.

    Its parameters receive gradients through a solve. The adjoint is autograd's transpose of the
    module, unless a module of its own is given for it.

    Args:
        module: a linear module: no bias, no activation.
        adjoint: a module for Aᴴ; None lets autograd transpose.
        norm_bound: an upper bound of ‖A‖; None has it estimated.
        name: what it is called in descriptions.

    Raises:
        ParameterError: the module is not linear: it does not take zero to zero.

    Example:
        >>> import torch, dprox_core as dp
        >>> blur = dp.LearnedLinOp(torch.nn.Conv2d(1, 1, 3, padding=1, bias=False))
        >>> blur(dp.Variable("x", (1, 1, 8, 8))).shape
        (1, 1, 8, 8)

    References:
        J. Adler, O. Öktem, Learned primal-dual reconstruction, 2018.
    """

    def __init__(
        self,
        module: torch.nn.Module,
        adjoint: torch.nn.Module | None = None,
        norm_bound: float | None = None,
        name: str = "learned",
    ) -> None:
        super().__init__(module, adjoint, None, norm_bound, name)
        self._module = module
        self._transposed = adjoint

    def parameters(self) -> tuple[torch.Tensor, ...]:
        """Those of the modules."""
        found = list(self._module.parameters())
        if self._transposed is not None:
            found += list(self._transposed.parameters())
        return tuple(found)

    def probe(self, shape: Sequence[int], dtype: torch.dtype, device: torch.device) -> torch.Tensor:
        """What the module gives for zeros, which must be zeros.

        Raises:
            ParameterError: it gives something else.
        """
        held_by = next(iter(self.parameters()), None)
        if held_by is not None:
            dtype = held_by.dtype.to_complex() if dtype.is_complex else held_by.dtype
            device = held_by.device
        result = super().probe(shape, dtype, device)
        if bool(result.abs().max() > 0):
            raise ParameterError(
                f"{self.name} is not linear: it gives {float(result.abs().max()):.3g} for zeros. "
                "Take the bias out of its layers.",
                expected="zeros for zeros",
                where=self.name,
            )
        return result
