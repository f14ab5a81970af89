"""What an operator is made of, as a fingerprint: to recognize the same one written twice."""

from __future__ import annotations

import copy
import hashlib
from dataclasses import is_dataclass
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from dprox_core.linops.base import LinOp


__all__ = ["cut", "fingerprint", "same_operator"]


class _Opaque(Exception):
    """Something whose content nobody can see, such as a function or a network."""


def fingerprint(held: Any) -> bytes | None:
    """A digest of an operator's (or function's) kind, spaces, settings and numbers.

    Returns:
        The digest; None where it holds something opaque, such as a user's own function.
    """
    digest = hashlib.blake2b(digest_size=16)
    try:
        _feed(digest, held, by_identity=False)
    except _Opaque:
        return None
    return digest.digest()


def same_operator(a: LinOp, b: LinOp) -> bool:
    """Whether two operators are the same map, gradients included."""
    if a is b:
        return True
    if type(a) is not type(b) or a.domain != b.domain or a.range != b.range:
        return False
    digests = []
    for operator in (a, b):
        digest = hashlib.blake2b(digest_size=16)
        try:
            _feed(digest, operator, by_identity=True)
        except _Opaque:
            return False
        digests.append(digest.digest())
    return digests[0] == digests[1]


def cut(value: Any, leaves: dict[int, tuple[torch.Tensor, torch.Tensor]]) -> Any:
    """The same with every tensor that was computed replaced by a leaf of its own.

    Gradients then end at the tensors that an operator holds, even where one of them was computed
    from another.

    Args:
        value: an operator, a term, or a tuple of such.
        leaves: filled with the pairs (tensor, leaf).
    """
    if isinstance(value, torch.Tensor):
        if not value.requires_grad or value.is_leaf:
            return value
        pair = (value, value.detach().requires_grad_())
        return leaves.setdefault(id(value), pair)[1]
    if isinstance(value, tuple):
        return tuple(cut(item, leaves) for item in value)
    if not _is_ours(value):
        return value
    changed = {}
    for name, item in vars(value).items():
        new = cut(item, leaves)
        if new is not item:
            changed[name] = new
    if not changed:
        return value
    copied = copy.copy(value)
    vars(copied).update(changed)
    return copied


def _feed(digest: Any, value: Any, by_identity: bool) -> None:
    """Add a value; tensors that want a gradient count by identity where asked for."""
    digest.update(type(value).__qualname__.encode())
    if value is None or isinstance(
        value, (bool, int, float, complex, str, bytes, slice, torch.dtype, torch.device)
    ):
        digest.update(repr(value).encode())
    elif value is Ellipsis:
        digest.update(b"...")
    elif isinstance(value, torch.Tensor):
        if by_identity and value.requires_grad:
            digest.update(str(id(value)).encode())
        else:
            _feed_tensor(digest, value.detach())
    elif isinstance(value, (tuple, list)):
        digest.update(str(len(value)).encode())
        for item in value:
            _feed(digest, item, by_identity)
    elif isinstance(value, dict):
        for key, item in value.items():
            _feed(digest, key, by_identity)
            _feed(digest, item, by_identity)
    elif _is_ours(value):
        for name, item in vars(value).items():
            # An estimate of the norm is no part of what the operator is.
            if name != "_estimated_norm":
                digest.update(name.encode())
                _feed(digest, item, by_identity)
    else:
        raise _Opaque


def _is_ours(value: Any) -> bool:
    """Whether everything that matters lies in the attributes."""
    if isinstance(value, (torch.nn.Module, type)) or callable(value):
        return False
    known = type(value).__module__.startswith("dprox_core.")
    return known and (hasattr(value, "__dict__") or is_dataclass(value))


def _feed_tensor(digest: Any, tensor: torch.Tensor) -> None:
    digest.update(f"{tuple(tensor.shape)}{tensor.dtype}{tensor.device}{tensor.layout}".encode())
    if tensor.layout is torch.strided:
        plain = tensor.resolve_conj().contiguous().cpu().reshape(-1)
        digest.update(plain.view(torch.uint8).numpy().data if plain.numel() else b"")
        return
    if tensor.layout is not torch.sparse_coo:
        tensor = tensor.to_sparse_coo()
    entries = tensor.coalesce()
    _feed_tensor(digest, entries.indices())
    _feed_tensor(digest, entries.values())
