"""Rows and columns of a matrix brought to even sizes, under the names of the published reference.

D K E with diagonal D = exp(u) and E = exp(v) has rows of norm α and columns of norm β where

    f(u, v) = Σ |K_ij|^p exp(p u_i + p v_j) / p − α^p Σ u − β^p Σ v + (γ/2) (‖u‖² + ‖v‖²)

is least, but for γ. S. Diamond and S. Boyd, Stochastic Matrix-Free Equilibration, 2016.
"""

from __future__ import annotations

import numpy as np

__all__ = ["f", "get_alpha_beta", "get_grad", "newton_equil", "project"]

# A Newton step that promises less than this, relative to the sizes of f, changes nothing.
_NOTHING = 1e-15


def get_alpha_beta(m: int, n: int) -> tuple[float, float]:
    """α = (n/m)^¼ and β = (m/n)^¼, so that m α² = n β²: rows and columns of one total."""
    return (n / m) ** 0.25, (m / n) ** 0.25


def project(x: np.ndarray, M: float) -> np.ndarray:
    """The nearest point of [−M, M]ⁿ."""
    return np.clip(x, -M, M)


def f(A: np.ndarray, u: np.ndarray, v: np.ndarray, gamma: float, p: float = 2) -> float:
    """What is least where the sizes are even.

    Args:
        A: (m, n).
        u: logarithms of the rows' factors.
        v: logarithms of the columns'.
        gamma: γ, how much large factors cost.
        p: of the norm.
    """
    alpha, beta = get_alpha_beta(*A.shape)
    sizes = float(_powers(A, u, v, p).sum()) / p
    cost = 0.5 * gamma * float(u @ u + v @ v)
    return sizes - alpha**p * float(u.sum()) - beta**p * float(v.sum()) + cost


def get_grad(
    A: np.ndarray, u: np.ndarray, v: np.ndarray, gamma: float, p: float = 2
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Newton's steps with the diagonal of the Hessian, for u and v, and both gradients."""
    alpha, beta = get_alpha_beta(*A.shape)
    powers = _powers(A, u, v, p)
    rows, columns = powers.sum(axis=1), powers.sum(axis=0)
    in_u, in_v = rows - alpha**p + gamma * u, columns - beta**p + gamma * v
    return -in_u / (p * rows + gamma), -in_v / (p * columns + gamma), in_u, in_v


def newton_equil(A: np.ndarray, gamma: float, max_iters: int) -> tuple[np.ndarray, np.ndarray]:
    """The diagonals of D and E, by Newton's method with p = 2.

    Args:
        A: (m, n).
        gamma: γ, above 0.
        max_iters: the most steps.
    """
    m, n = A.shape
    w = np.zeros(m + n)
    for _ in range(max_iters):
        powers = _powers(A, w[:m], w[m:], 2)
        _, _, in_u, in_v = get_grad(A, w[:m], w[m:], gamma)
        slope = np.concatenate([in_u, in_v])
        bend = np.diag(np.concatenate([powers.sum(axis=1), powers.sum(axis=0)]))
        bend[:m, m:], bend[m:, :m] = powers, powers.T
        step = -np.linalg.solve(2.0 * bend + gamma * np.eye(m + n), slope)
        here, promised = f(A, w[:m], w[m:], gamma), float(-slope @ step)
        if promised <= _NOTHING * max(1.0, abs(here)):
            break
        length = 1.0
        while length > 1e-12:
            moved = w + length * step
            if f(A, moved[:m], moved[m:], gamma) <= here - 1e-4 * length * promised:
                break
            length *= 0.5
        w = w + length * step
    return np.exp(w[:m]), np.exp(w[m:])


def _powers(A: np.ndarray, u: np.ndarray, v: np.ndarray, p: float) -> np.ndarray:
    powers: np.ndarray = np.abs(A) ** p * np.exp(p * u)[:, None] * np.exp(p * v)[None, :]
    return powers
