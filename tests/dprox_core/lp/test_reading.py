"""Linear programs in files."""

from __future__ import annotations

import gzip
import logging
from pathlib import Path

import numpy as np
import pytest
from programs import highs, random_program

import dprox_core as dp
from dprox_core.lp import read_lp, save_lp, solve_lp

MPS = """NAME          tiny
ROWS
 N  cost
 L  most
 G  least
 E  same
 N  unused
COLUMNS
    x         cost      -1.0   most       1.0
    x         same       1.0
    y         cost      -2.0   most       1.0
    y         least      1.0
    z         same      -1.0   unused     4.0
RHS
    rhs       most       4.0   least      1.0
    rhs       cost      -3.0
RANGES
    rng       most       3.0
BOUNDS
 UP bnd       x          3.0
 FR bnd       z
 UP bnd       y          1e30
ENDATA
"""


def test_an_mps_file_is_read_with_its_names_ranges_and_constant(tmp_path: Path) -> None:
    (tmp_path / "tiny.mps").write_text(MPS)
    program = read_lp(tmp_path / "tiny.mps")
    assert program.column_names == ("x", "y", "z")
    assert program.row_names == ("most", "least", "same")
    assert program.c.tolist() == [-1, -2, 0]
    assert program.c0 == 3
    assert program.row_lower.tolist() == [1, 1, 0]
    assert program.row_upper.tolist() == [4, np.inf, 0]
    assert program.lower.tolist() == [0, 0, -np.inf]
    assert program.upper.tolist() == [3, np.inf, np.inf]
    result = solve_lp(program)
    assert result.objective == pytest.approx(-5)
    assert result.x == pytest.approx([0, 4, 0], abs=1e-5)
    with gzip.open(tmp_path / "tiny.mps.gz", "wt") as file:
        file.write(MPS)
    with dp.session(base=tmp_path):
        assert read_lp("tiny.mps.gz").c.tolist() == program.c.tolist()


@pytest.mark.parametrize("ending", [".npz", ".mps", ".lp"])
@pytest.mark.parametrize("kind", ["ranges", "maximize", "free"])
def test_what_is_written_is_read_back(tmp_path: Path, kind: str, ending: str) -> None:
    program, optimum = random_program(kind, 1)
    with dp.session(base=tmp_path, out=tmp_path):
        save_lp(f"p{ending}", program)
        read = read_lp(f"p{ending}")
    sign = -1 if kind == "maximize" and ending != ".npz" else 1
    assert highs(read)[1] == pytest.approx(sign * optimum)
    if ending == ".npz":
        assert (read.A != program.A).nnz == 0
        for name in ("c", "row_lower", "row_upper", "lower", "upper", "c0", "sense"):
            np.testing.assert_array_equal(getattr(read, name), getattr(program, name))


def test_integer_variables_are_relaxed_and_that_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "i.lp").write_text(
        "max\n x\nst\n c1: 2 x <= 3\nbounds\n x <= 9\ngenerals\n x\nend\n"
    )
    with caplog.at_level(logging.WARNING):
        program = read_lp(tmp_path / "i.lp")
    assert "has integer variables" in caplog.text
    assert program.sense == "max"
    assert solve_lp(program).objective == pytest.approx(1.5)


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("none.mps", None, "There is no file"),
        ("a.txt", b"hello", "no linear program that can be read"),
        ("a.mps", b"ROWS\n Q what\n", "damaged, or no MPS or LP file"),
        ("a.npz", b"PK not a zip", "damaged, or holds no linear program"),
    ],
)
def test_bad_files_are_told(
    tmp_path: Path, name: str, content: bytes | None, sentence: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(dp.DataError, match=sentence):
        read_lp(tmp_path / name)
