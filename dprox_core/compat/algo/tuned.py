"""A solver whose ρ and noise levels a policy chooses, under the name of the published reference."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

import dprox_core
from dprox_core.compat.algo.solver import Algorithm
from dprox_core.compat.arrays import as_data
from dprox_core.compat.linop.leaves import Placeholder
from dprox_core.compat.proxfn.base import ProxFn
from dprox_core.compat.proxfn.deep import deep_prior
from dprox_core.errors import ParameterError
from dprox_core.layers.losses import negative_psnr
from dprox_core.layers.policy import Critic, Policy
from dprox_core.layers.rl import Tuned

__all__ = ["AutoTuneSolver"]


class AutoTuneSolver(nn.Module):
    """A solver steered by a policy, trained by reinforcement learning.

    Args:
        solver: what ``compile`` gave, with "admm", "admm_vxu", "hqs" or "ladmm".
        policy: kept for old scripts: the policy looks at the iterate through a small network.
        action_pack: iterations between two decisions.
        ob_dim: kept for old scripts: what the policy sees does not depend on the problem.
        max_episode_step: the most decisions.
        custom_policy_ob_pack_fn: kept for old scripts.
        price: what a decision to go on costs, in dB.

    References:
        K. Wei et al., Tuning-free Plug-and-Play Proximal Algorithm for Inverse Imaging Problems,
        2020.
    """

    def __init__(
        self,
        solver: Algorithm,
        policy: str = "resnet",
        action_pack: int = 5,
        ob_dim: int = 9,
        max_episode_step: int = 6,
        custom_policy_ob_pack_fn: Callable[..., Any] | None = None,
        price: float = 0.02,
    ) -> None:
        super().__init__()
        self.solver = solver
        self.action_pack = action_pack
        self.max_iter = action_pack * max_episode_step
        self.price = price
        self.policy = Policy(action_pack)
        self.critic = Critic()

    def _made(self, x0: Any) -> tuple[Tuned, Any, dict[Any, Any]]:
        """The solver of our language for the data as they are now, with this policy."""
        translated = self.solver.translate(x0, None, None, None)
        options = {k: v for k, v in translated.options.items() if k in ("device", "linear_solver")}
        made: Any = dprox_core.specialize(
            translated.problem,
            "rl",
            algorithm=self.solver.method,
            max_iter=self.max_iter,
            pack=self.action_pack,
            price=self.price,
            **options,
        )
        made.policy, made.critic = self.policy, self.critic
        return made, translated.options.get("x0"), translated.variables

    def forward(self, x0: Any = None, **options: Any) -> Any:
        """``solve``."""
        return self.solve(x0, **options)

    def solve(
        self,
        x0: Any = None,
        aux_state: Any = None,
        pbar: bool = False,
        callback: Callable[..., object] | None = None,
    ) -> Any:
        """The solution with parameters chosen on the way.

        Args:
            x0: where to start.
            aux_state: kept for old scripts.
            pbar: kept for old scripts.
            callback: called at the end for each iteration with ``iter, sigma, rho``.
        """
        made, start, variables = self._made(x0)
        answer = made(x0=start)
        for variable, ours in variables.items():
            tensor = answer[ours.name] if isinstance(answer, dict) else answer
            variable.value = tensor.detach()
        if callback is not None:
            for iteration, sigma, rho in made.trace:
                callback(iter=iteration - 1, sigma=sigma, rho=rho)
        return list(answer.values()) if isinstance(answer, dict) else answer

    def estimate(
        self, states: Any, iter: int, b: torch.Tensor, aux_state: Any = None
    ) -> tuple[torch.Tensor, dict[ProxFn, torch.Tensor], torch.Tensor]:
        """What the policy wants for the next ``action_pack`` iterations.

        Args:
            states: the state, as ``solver.initialize`` and ``solver.iter`` give it: x first.
            iter: how many decisions were taken before.
            b: the iterate at the last decision, or the start.
            aux_state: kept for old scripts.

        Returns:
            ρ of each iteration (B, ``action_pack``), λ of each deep prior in a mapping of tensors
            of that shape, and (B,) whether it would end here: 1, else 0. They are what
            ``solver.iter`` and ``solver.solve`` take.
        """
        x, count = as_data(states[0], "states"), int(torch.as_tensor(iter).reshape(-1)[0])
        made, _, _ = self._made(x)
        sigmas, rhos, ends = made.decide(x, as_data(b, "b"), count * self.action_pack)

        def each(numbers: list[float]) -> torch.Tensor:
            return torch.tensor(numbers, device=x.device).expand(x.shape[0], -1)

        priors = [f for f in self.solver.functions if isinstance(f, deep_prior)]
        lams: dict[ProxFn, torch.Tensor] = {
            f: each([f.step_of(s) for s in sigmas or ()]) for f in priors if sigmas
        }
        # ρ weighs ½‖·‖² there and ‖·‖² here.
        return each([0.5 * rho for rho in rhos]), lams, torch.full((x.shape[0],), int(ends > 0.5))

    def train(  # type: ignore[override]
        self,
        dataset: Any = True,
        valid_datasets: Mapping[str, Iterable[Mapping[str, Any]]] | None = None,
        placeholders: Mapping[str, Placeholder] | None = None,
        log_dir: str | Path = "log",
        config: Mapping[str, Any] | None = None,
        device: Any = None,
        epochs: int = 1,
        lr: float = 1e-3,
        **options: Any,
    ) -> Any:
        """Train the policy; with True or False, torch's switch of training mode.

        Args:
            dataset: an iterable of mappings with "gt", the truth, "x0" if there is a start, and a
                value for each placeholder.
            valid_datasets: name → such an iterable, to judge by.
            placeholders: name → placeholder.
            log_dir: a folder for ``actor.pth``; made if it is not there.
            config: kept for old scripts.
            device: where to compute; None where the data is.
            epochs: how often the data is gone through.
            lr: Adam's step size.
            options: kept for old scripts.

        Returns:
            The mean PSNR in dB of the validation data, or of the training data without any.
        """
        if isinstance(dataset, bool):
            return super().train(dataset)
        if device is not None:
            self.solver.device = device
        optimizer = torch.optim.Adam([*self.policy.parameters(), *self.critic.parameters()], lr=lr)
        for _ in range(epochs):
            for item in dataset:
                truth, start = self._given(item, placeholders or {})
                made, _, _ = self._made(start)
                made.learn({}, truth, negative_psnr, optimizer)
        folder = Path(log_dir)
        folder.mkdir(parents=True, exist_ok=True)
        torch.save(self.state_of_policy(), folder / "actor.pth")
        judged = list((valid_datasets or {"": dataset}).values())
        return sum(self._judge(data, placeholders or {}) for data in judged) / len(judged)

    def eval(
        self,
        ckpt_path: str | Path | None = None,
        valid_datasets: Mapping[str, Iterable[Mapping[str, Any]]] | None = None,
        placeholders: Mapping[str, Placeholder] | None = None,
        **options: Any,
    ) -> Any:
        """The mean PSNR in dB on each data set; without a file, torch's evaluation mode."""
        if ckpt_path is None:
            return super().eval()
        self.load(ckpt_path)
        sets = valid_datasets or {}
        return {name: self._judge(data, placeholders or {}) for name, data in sets.items()}

    def state_of_policy(self) -> dict[str, Any]:
        """What ``load`` takes."""
        return {"policy": self.policy.state_dict(), "critic": self.critic.state_dict()}

    def load(self, ckpt_path: str | Path) -> None:
        """Take a trained policy from a file that ``train`` wrote."""
        held = torch.load(ckpt_path, weights_only=True)
        self.policy.load_state_dict(held["policy"])
        self.critic.load_state_dict(held["critic"])

    def _given(
        self, item: Mapping[str, Any], placeholders: Mapping[str, Placeholder]
    ) -> tuple[torch.Tensor, Any]:
        missing = [name for name in ("gt", *placeholders) if name not in item]
        if missing:
            raise ParameterError(
                f"An item of the data has no {missing[0]!r}: it holds "
                f"{', '.join(item) or 'nothing'}.",
                expected=["gt", *placeholders],
                got=list(item),
                where="dataset",
            )
        for name, placeholder in placeholders.items():
            placeholder.value = item[name]
        return item["gt"], item.get("x0")

    def _judge(
        self, data: Iterable[Mapping[str, Any]], placeholders: Mapping[str, Placeholder]
    ) -> float:
        found = []
        for item in data:
            truth, start = self._given(item, placeholders)
            found.append(-float(negative_psnr(self.solve(start), truth)))
        return sum(found) / max(len(found), 1)
