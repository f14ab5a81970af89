"""Numbers from files and scripts: exact, of the right kind, and never code."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import scipy.io
import scipy.sparse
import torch

import dprox_core as dp


@pytest.mark.parametrize("dtype", ["int8", "uint64", "bool", "float32", "float64", "complex64"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_an_array_comes_back_as_it_was_saved(dtype: str, order: str, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    values = (random.integers(0, 2, (3, 4, 5)) + random.random((3, 4, 5))).astype(dtype)
    if dtype == "complex64":
        values = values + 1j * random.random((3, 4, 5)).astype("float32")
    np.save(tmp_path / "a.npy", np.array(values, order=order))  # type: ignore[call-overload]
    np.savez_compressed(tmp_path / "b.npz", kept=values)
    for name in ("a.npy", "b.npz"):
        loaded = dp.load_array(tmp_path / name, precision="float64")
        assert loaded.dtype == (torch.complex128 if dtype == "complex64" else torch.float64)
        assert np.array_equal(loaded.numpy(), values.astype(loaded.numpy().dtype))
    assert not dp.load_array(tmp_path / "a.npy").dtype.is_complex or dtype == "complex64"
    assert dp.load_array(tmp_path / "a.npy").dtype in (torch.float32, torch.complex64)


@pytest.mark.parametrize("ending", ["npz", "mtx"])
@pytest.mark.parametrize("layout", ["csr", "csc", "coo"])
def test_a_sparse_matrix_multiplies_as_scipy_does(ending: str, layout: str, tmp_path: Path) -> None:
    matrix = scipy.sparse.random(7, 11, 0.3, layout, random_state=0)
    file = tmp_path / f"m.{ending}"
    if ending == "npz":
        scipy.sparse.save_npz(file, matrix)
    else:
        scipy.io.mmwrite(file, matrix)
    x = np.random.default_rng(1).random((2, 11))
    product = dp.matrix(torch.from_numpy(x), dp.load_matrix(file, precision="float64"))
    assert np.allclose(product.numpy(), x @ matrix.toarray().T, atol=1e-14)


def test_numbers_are_written_out() -> None:
    assert torch.equal(dp.array([1, 2]), torch.tensor([1.0, 2.0]))
    assert dp.array([[1.5]], precision="float64").dtype == torch.float64


class Trap:
    def __reduce__(self) -> tuple[object, ...]:
        raise AssertionError("a file was run")


def test_what_is_wrong_with_a_file_is_said_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "text.npy").write_text("not numbers")
    (tmp_path / "cut.npz").write_bytes(b"PK\x03\x04 cut")
    np.save(tmp_path / "words.npy", np.array(["a"]))
    np.save(tmp_path / "empty.npy", np.zeros((0, 3)))
    np.save(tmp_path / "nan.npy", np.array([np.nan]))
    np.savez(tmp_path / "two.npz", a=np.ones(2), b=np.ones(2))
    scipy.sparse.save_npz(tmp_path / "sparse.npz", scipy.sparse.eye(3, format="csr"))
    (tmp_path / "pickled.npy").write_bytes(pickle.dumps([1.0]))
    for name, sentence in (
        ("missing.npy", "was not found"),
        ("text.npy", "no array file that can be read"),
        ("cut.npz", "no array file that can be read"),
        ("pickled.npy", "no array file that can be read"),
        ("words.npy", "it holds <U1 values, and numbers are needed"),
        ("empty.npy", "it holds no values"),
        ("nan.npy", "it holds NaN or infinite values"),
        ("two.npz", "it holds 2 arrays (a, b), and one is needed"),
        ("sparse.npz", "it holds a sparse matrix: read it with load_matrix"),
    ):
        with pytest.raises(dp.DataError) as caught:
            dp.load_array(tmp_path / name)
        assert sentence in caught.value.sentence
        assert name in caught.value.sentence
    with pytest.raises(dp.DataError, match=r"no sparse matrix that can be read"):
        dp.load_matrix(tmp_path / "two.npz")
    with pytest.raises(dp.ParameterError, match='"float32" or "float64"'):
        dp.load_array(tmp_path / "two.npz", precision="half")


@pytest.mark.parametrize("values", [[], [[1, 2], [3]], ["a"], [float("nan")], [[]]])
def test_what_is_no_matrix_is_refused(values: list[object]) -> None:
    with pytest.raises(dp.ParameterError, match=r"^array: "):
        dp.array(values)
