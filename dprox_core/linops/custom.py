"""Operators of a user's own: two functions, or a module that autograd can transpose."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import torch

from dprox_core.arguments import is_traced
from dprox_core.errors import ParameterError, ShapeError
from dprox_core.linops.base import LinOp, apply, register
from dprox_core.linops.claims import check_claims
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
            ParameterError: the function gives no tensor, or is not linear.
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
        image = self._image(x)
        # What torch.func traces does not tell where it lies.
        shared = is_traced(image) or (
            image.untyped_storage().data_ptr() == x.untyped_storage().data_ptr()
        )
        return image.clone() if shared else image

    def _image(self, x: torch.Tensor) -> torch.Tensor:
        """In the working precision, whatever that of the numbers in a user's function."""
        image: torch.Tensor = self._owner.forward(x)
        return image.to(self.range.dtype)

    def adjoint(self, y: torch.Tensor) -> torch.Tensor:
        """The other function's value, or autograd's vector-Jacobian product."""
        if y.is_complex() and not self.range.is_complex:
            if not self.domain.is_complex:
                return self._back(y.real)
            return torch.complex(self._back(y.real), self._back(y.imag))
        # Real data beside complex images, as autograd and a user's own function take it.
        return self._back(y.to(self.range.dtype) if self.range.is_complex else y)

    def _back(self, y: torch.Tensor) -> torch.Tensor:
        if self._owner.adjoint is not None:
            return self.to_domain(self._owner.adjoint(y)).to(self.domain.dtype)
        # What a plain function holds is not known, so it may want a gradient.
        held = self._owner.parameters()
        wanted = not held or any(t.requires_grad for t in (*held, y))
        differentiate = wanted and torch.is_grad_enabled()
        with torch.enable_grad():
            x = torch.zeros(
                self.domain.shape, dtype=self.domain.dtype, device=y.device, requires_grad=True
            )
            image = self._image(x)
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
        ParameterError: one of the functions cannot be called, ``norm_bound`` is no number; or, seen
            when it is applied, ``forward`` is not linear, or what is said about it is not true.

    Example:
        >>> import torch, dprox_core as dp
        >>> flip = dp.LinOpFactory(lambda x: x.flip(-1), lambda y: y.flip(-1), name="flip")
        >>> x = dp.Variable("x", (1, 1, 2, 3))
        >>> flip(x).describe(), flip(torch.tensor([1.0, 2.0])).tolist()
        ('flip(x)', [2.0, 1.0])

    References:
        F. Heide et al., ProxImaL: Efficient Image Optimization using Proximal Algorithms, 2016.
    """

    # Whether an adjoint that was given must be that of forward.
    checks_adjoint: ClassVar[bool] = True

    def __init__(
        self,
        forward: Map,
        adjoint: Map | None = None,
        diagonal: torch.Tensor | None = None,
        norm_bound: float | None = None,
        name: str = "blackbox",
    ) -> None:
        for role, function in (("forward", forward), ("adjoint", adjoint)):
            if not callable(function) and (role == "forward" or function is not None):
                raise ParameterError(
                    f"{name}: {role} must be a function of a tensor, not {function!r:.60}.",
                    expected="a function",
                    got=type(function).__name__,
                    where=role,
                )
        if norm_bound is not None and not (
            isinstance(norm_bound, (int, float)) and norm_bound >= 0
        ):
            raise ParameterError(
                f"{name}: norm_bound must be a number from 0, not {norm_bound!r:.60}.",
                expected="a number from 0",
                got=norm_bound,
                where="norm_bound",
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
            ParameterError: it gives no tensor, is not linear, or what is said about it is not true.
        """
        key = (tuple(shape), dtype, device)
        held = self._probed.get(key)
        if held is None:
            zeros = torch.zeros(tuple(shape), dtype=dtype, device=device)
            held = self._probed[key] = self._tried(zeros)
            space = Space(tuple(shape), dtype.is_complex, zeros.real.dtype, device)
            check_claims(self, self._tried, held, space.random())
        return held

    @torch.no_grad()
    def _tried(self, x: torch.Tensor) -> torch.Tensor:
        try:
            image = self.forward(x)
        except Exception as error:
            raise ShapeError(
                f"{self.name} fails on a tensor of shape {tuple(x.shape)}: {error}",
                got=tuple(x.shape),
                where=self.name,
            ) from error
        if not isinstance(image, torch.Tensor):
            raise ParameterError(
                f"{self.name} must give a tensor, not {type(image).__name__}.",
                expected="a tensor",
                got=type(image).__name__,
                where=self.name,
            )
        return image


class LearnedLinOp(LinOpFactory):
    """A linear operator that is a torch module, such as convolutions without bias.

    Its parameters receive gradients through a solve. One with real parameters is applied to real
    and imaginary parts alike. The adjoint is autograd's transpose of the module, unless a module
    of its own is given for it.

    Args:
        module: a linear module: no bias, no activation.
        adjoint: a module for Aᴴ; None lets autograd transpose.
        norm_bound: an upper bound of ‖A‖; None has it estimated.
        name: what it is called in descriptions.

    Raises:
        ParameterError: the module is not linear.

    Example:
        >>> import torch, dprox_core as dp
        >>> blur = dp.LearnedLinOp(torch.nn.Conv2d(1, 1, 3, padding=1, bias=False))
        >>> blur(dp.Variable("x", (1, 1, 8, 8))).shape
        (1, 1, 8, 8)

    References:
        J. Adler, O. Öktem, Learned primal-dual reconstruction, 2018.
    """

    # A module for Aᴴ may be learned as well.
    checks_adjoint = False

    def __init__(
        self,
        module: torch.nn.Module,
        adjoint: torch.nn.Module | None = None,
        norm_bound: float | None = None,
        name: str = "learned",
    ) -> None:
        for role, given in (("module", module), ("adjoint", adjoint)):
            if not isinstance(given, torch.nn.Module) and (role == "module" or given is not None):
                raise ParameterError(
                    f"{name}: {role} must be a torch.nn.Module, not {type(given).__name__}.",
                    expected="a torch.nn.Module",
                    got=type(given).__name__,
                    where=role,
                )
        super().__init__(
            _of_any_precision(module),
            None if adjoint is None else _of_any_precision(adjoint),
            None,
            norm_bound,
            name,
        )
        self._module = module
        self._transposed = adjoint

    def parameters(self) -> tuple[torch.Tensor, ...]:
        """Those of the modules."""
        found = list(self._module.parameters())
        if self._transposed is not None:
            found += list(self._transposed.parameters())
        return tuple(found)

    def probe(self, shape: Sequence[int], dtype: torch.dtype, device: torch.device) -> torch.Tensor:
        """What the module gives for zeros on its own device.

        Raises:
            ShapeError: the module fails on such a tensor.
            ParameterError: the module is not linear.
        """
        held_by = next(iter(self.parameters()), None)
        return super().probe(shape, dtype, device if held_by is None else held_by.device)


def _of_any_precision(module: torch.nn.Module) -> Map:
    """The module on tensors of any precision, real or complex.

    A module with real parameters is applied to real and imaginary parts: it is linear. One of
    single precision computes in double where it is given that, or the adjoint would be no nearer
    than single precision.
    """

    def apply_module(x: torch.Tensor) -> torch.Tensor:
        held = next(iter(module.parameters()), None)
        if held is None:
            image: torch.Tensor = module(x)
            return image
        if x.is_complex() and not held.is_complex():
            return torch.complex(apply_module(x.real), apply_module(x.imag))
        dtype = torch.promote_types(held.dtype, x.dtype)
        if dtype == held.dtype:
            image = module(x.to(dtype))
        else:
            named = (*module.named_parameters(), *module.named_buffers())
            wider = {n: t.to(_wider(t.dtype, dtype)) for n, t in named}
            image = torch.func.functional_call(module, wider, (x.to(dtype),))
        return image.to(x.dtype.to_complex() if image.is_complex() else x.dtype)

    return apply_module


def _wider(held: torch.dtype, given: torch.dtype) -> torch.dtype:
    """A parameter's dtype in the precision of another; what is no real number keeps its own."""
    if held.is_complex:
        return given.to_complex()
    return given.to_real() if held.is_floating_point else held
