"""A solver whose parameters a policy chooses while it runs, trained by reinforcement learning."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from typing import Any

import torch
from torch import Tensor, nn

from dprox_core.algorithms.base import State
from dprox_core.algorithms.plug_and_play import Course, PlugAndPlay
from dprox_core.arguments import in_range, refuse_unless, whole_number
from dprox_core.errors import ParameterError
from dprox_core.layers.inputs import give, named, placeholders
from dprox_core.layers.policy import Action, Critic, Policy, Seen, observe
from dprox_core.numerics import reductions
from dprox_core.problem import Problem

__all__ = ["Tuned", "tuned"]

Vectors = tuple[Tensor, ...]
Loss = Callable[[Any, Any], Tensor]

# What lies further ahead counts less, and the critic that looks ahead follows slowly.
_DISCOUNT, _FOLLOW = 0.99, 0.05


class Tuned(nn.Module):
    """What ``specialize(…, method="rl")`` makes: a solver that a policy steers.

    Every few steps the policy sees the iterate, its last change, the noise level and how much time
    is left; it chooses the noise levels σ and penalties ρ of the coming steps, as factors of
    the default ones, or ends the solve. Training rewards what a decision gains in quality, less
    a price for its steps: factors follow the gradient through those steps and a critic of what
    comes after (model-based); the choice between going on and ending follows the policy
    gradient (model-free).

    Attributes:
        problem: the problem.
        max_iter: the most iterations.
        pack: iterations between two decisions.
        price: what a decision to go on costs, in units of the loss; 0.02 dB by default.
        trace: of the last solve: (iteration, σ or None, ρ) for each step.

    References:
        K. Wei et al., Tuning-free Plug-and-Play Proximal Algorithm for Inverse Imaging Problems,
        2020, sections 3 and 4.
    """

    def __init__(
        self,
        problem: Problem,
        algorithm: str,
        max_iter: int,
        pack: int,
        price: float,
        options: Mapping[str, Any],
    ) -> None:
        super().__init__()
        self.problem = problem
        self.max_iter = max_iter
        self.pack = pack
        self.price = price
        self.policy = Policy(pack)
        self.critic = Critic()
        self.trace: list[tuple[int, float | None, float]] = []
        self._algorithm = algorithm
        self._options = dict(options)
        self._placeholders = placeholders(problem)
        self._generator = torch.Generator().manual_seed(0)
        # Looks ahead while training; hidden in a tuple, it is no part of the module.
        self._ahead = (copy.deepcopy(self.critic).requires_grad_(False),)

    @torch.no_grad()
    def forward(
        self, inputs: Mapping[Any, Tensor] | None = None, x0: object = None, **unknown: object
    ) -> Any:
        """Solve, parameters chosen on the way; takes and gives what ``Specialized`` does."""
        give(self._placeholders, inputs, unknown)
        walk = _Walk(self, x0, differentiate=False)
        while not walk.over:
            action = self.policy(walk.seen())
            if walk.state.iteration > 0 and float(action.stop) > 0.0:
                break
            walk.advance(action)
        self.trace = walk.trace
        return named(self.problem, walk.answer())

    @torch.no_grad()
    def decide(
        self, x: Tensor, before: Tensor, iteration: int
    ) -> tuple[list[float] | None, list[float], float]:
        """What the policy wants for the steps after an iteration, whoever takes them.

        Args:
            x: the iterate.
            before: the iterate at the last decision, or the start.
            iteration: how many steps were taken.

        Returns:
            The noise levels σ of the coming steps, None without a denoiser; their ρ; and the
            probability with which it would end here instead.
        """
        walk = _Walk(self, None, differentiate=False)
        return walk.wanted(x, before, iteration)

    def learn(
        self, inputs: Mapping[Any, Tensor], target: Any, loss: Loss, optimizer: Any
    ) -> Tensor:
        """One solve with a step of training at each decision.

        Args:
            inputs: as for ``forward``.
            target: what the solution should be.
            loss: of (solution, target), lower is better.
            optimizer: of the module's parameters.

        Returns:
            The loss at the end.
        """
        give(self._placeholders, inputs)
        walk = _Walk(self, None, differentiate=True)
        with torch.no_grad():
            held = loss(named(self.problem, walk.answer()), target)
        while not walk.over:
            seen = walk.seen()
            action, value = self.policy(seen), self.critic(seen)
            ends = torch.sigmoid(action.stop)
            first = walk.state.iteration == 0
            if not first and float(torch.rand((), generator=self._generator)) < float(
                ends.detach()
            ):
                self._update(optimizer, value.detach() * ends.log(), value, value.new_zeros(()))
                break
            walk.detach()
            walk.advance(action)
            now = loss(named(self.problem, walk.answer()), target)
            gain = held - now - self.price
            if not walk.over:
                gain = gain + _DISCOUNT * self._ahead[0](walk.seen()).clamp(min=0.0)
            outcome = gain.detach()
            chosen = value.new_zeros(()) if first else (1.0 - ends).log()
            self._update(optimizer, -gain - chosen * (outcome - value.detach()), value, outcome)
            walk.detach()
            held = now.detach()
        return held

    def _update(self, optimizer: Any, actor: Tensor, value: Tensor, outcome: Tensor) -> None:
        error = actor + (value - outcome).square()
        optimizer.zero_grad()
        if bool(torch.isfinite(error)):
            error.backward()
            nn.utils.clip_grad_norm_(self.parameters(), 1.0)
            optimizer.step()
        with torch.no_grad():
            for slow, fast in zip(
                self._ahead[0].parameters(), self.critic.parameters(), strict=True
            ):
                slow.lerp_(fast.to(slow), _FOLLOW)


class _Walk:
    """One solve, a pack of steps at a time."""

    def __init__(self, tuned: Tuned, x0: object, differentiate: bool) -> None:
        self._tuned = tuned
        self._factors: list[tuple[Tensor, Tensor]] = []
        self.trace: list[tuple[int, float | None, float]] = []
        with torch.no_grad():
            plain = tuned.problem.compile(tuned._algorithm, **tuned._options)
        self._solver = plain
        if differentiate:
            with torch.enable_grad():
                wish = torch.ones((), requires_grad=True)  # asks for a solver with gradients
                options = {**tuned._options, "rho": wish}
                self._solver = tuned.problem.compile(tuned._algorithm, **options)
        self._noise = plain.plan.parameters.get("noise", 0.0)
        if isinstance(plain.algorithm, PlugAndPlay):
            assert isinstance(self._solver.algorithm, PlugAndPlay)
            self._solver.algorithm.course = self._followed(plain.algorithm.course)
        with torch.no_grad():
            self.state: State = self._solver.init(x0)
            if not isinstance(plain.algorithm, PlugAndPlay):
                self._rho = plain.algorithm.parameter(plain.init(x0))
        self._before = self.state.x[0].detach().clone()

    def _followed(self, default: Course) -> Course:
        """The default course, times the factors that were chosen so far."""
        count = self._tuned.max_iter

        def level(iteration: int, _: int) -> Any:
            usual = default.level(iteration, count)
            return None if usual is None else usual * self._factors[iteration][0]

        def rho(_: Any, iteration: int) -> Any:
            return (
                default.rho(default.level(iteration, count), iteration)
                * self._factors[iteration][1]
            )

        return replace(default, level=level, rho=rho, steps=count, elastic=False)

    @property
    def over(self) -> bool:
        return self.state.iteration >= self._tuned.max_iter

    def seen(self) -> Seen:
        return observe(
            self.state.x[0], self._before, self._noise, self.state.iteration / self._tuned.max_iter
        )

    def wanted(
        self, x: Tensor, before: Tensor, iteration: int
    ) -> tuple[list[float] | None, list[float], float]:
        """What the policy would choose at an iterate from elsewhere."""
        share = min(iteration / self._tuned.max_iter, 1.0)
        action = self._tuned.policy(observe(x, before, self._noise, share))
        one = torch.ones(())
        sigmas, rhos = [], []
        for index in range(self._tuned.pack):
            place, algorithm = iteration + index, self._solver.algorithm
            if isinstance(algorithm, PlugAndPlay):
                # The default course, times what was chosen for this step alone.
                self._factors = [(one, one)] * place + [(action.sigma[index], action.rho[index])]
                level = algorithm.course.level(place, self._tuned.max_iter)
                sigmas.append(None if level is None else reductions.number(level))
                rhos.append(reductions.number(algorithm.course.rho(level, place)))
            else:
                rhos.append(reductions.number(self._rho * action.rho[index]))
        known = [sigma for sigma in sigmas if sigma is not None]
        return known or None, rhos, float(torch.sigmoid(action.stop))

    def advance(self, action: Action) -> None:
        """The steps of one decision."""
        self._before = self.state.x[0].detach().clone()
        algorithm = self._solver.algorithm
        left = self._tuned.max_iter - self.state.iteration
        for index in range(min(self._tuned.pack, left)):
            sigma, rho = (
                t.to(self._before.device) for t in (action.sigma[index], action.rho[index])
            )
            self._factors.append((sigma, rho))
            iteration = self.state.iteration
            if isinstance(algorithm, PlugAndPlay):
                level = algorithm.course.level(iteration, self._tuned.max_iter)
                shown = None if level is None else reductions.number(level)
                value = reductions.number(algorithm.course.rho(level, iteration))
            else:
                wanted = self._rho * rho
                self.state = algorithm.with_parameter(self.state, wanted)
                shown, value = None, reductions.number(wanted)
            self.trace.append((iteration + 1, shown, value))
            self.state = algorithm.step(self.state, False)

    def answer(self) -> Vectors:
        answer: Vectors = self._solver.algorithm.answer(self.state)
        return answer

    def detach(self) -> None:
        """Forget how the state came about: gradients reach back to the last decision."""
        kept = {field.name: _cut(getattr(self.state, field.name)) for field in fields(self.state)}
        self.state = replace(self.state, **kept)


def _cut(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.detach()
    return tuple(_cut(held) for held in value) if isinstance(value, tuple) else value


def tuned(
    problem: Problem,
    algorithm: str,
    max_iter: int,
    pack: int,
    price: float,
    options: dict[str, Any],
) -> Tuned:
    """The module, its arguments checked.

    Raises:
        ParameterError: an argument is out of range, or the algorithm has no ρ to choose.
    """
    whole_number("pack", pack, "pack")
    refuse_unless(in_range(price, 0.0), "specialize", "price", "a number from 0", price)
    if algorithm not in ("admm", "admm_vxu", "hqs", "ladmm"):
        raise ParameterError(
            f'{algorithm} has no ρ that a policy could choose: take "admm" or "hqs".',
            expected='"admm" or "hqs"',
            got=algorithm,
            where="algorithm",
        )
    return Tuned(problem, algorithm, max_iter, pack, price, options)
