"""Listening to a solve: what is told, and that it changes nothing."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import pytest
import torch
from solver_cases import SHAPE, noise

import dprox_core as dp
from dprox_core.result import Status


def television() -> tuple[dp.Problem, dp.Variable]:
    x = dp.Variable("x", SHAPE)
    return dp.Problem(dp.sum_squares(x - noise(1)) + 0.4 * dp.norm1(dp.grad(x)) + dp.nonneg(x)), x


class Recorder:
    def __init__(self) -> None:
        self.calls: list[str] = []
        self.events: list[dp.Iteration] = []
        self.iterates: list[torch.Tensor] = []

    def on_start(self, event: dp.SolveStarted) -> None:
        self.calls.append("start")
        self.started = event

    def on_iteration(self, event: dp.Iteration) -> None:
        self.calls.append("iteration")
        self.events.append(event)
        self.iterates.append(event.iterate["x"])

    def on_finish(self, event: dp.SolveFinished) -> None:
        self.calls.append("finish")
        self.finished = event


@pytest.mark.parametrize("method", ["admm", "fista"])
def test_every_iteration_is_told_in_order(method: str) -> None:
    x = dp.Variable("x", SHAPE)
    problem = dp.Problem(dp.sum_squares(x - noise(1)) + 0.4 * dp.norm1(x))
    recorder = Recorder()
    with dp.monitor(recorder):
        result = problem.solve(method, max_iter=30, truth=noise(1))
    assert recorder.calls == ["start", *["iteration"] * result.iterations, "finish"]
    assert recorder.started.plan.method == method
    assert recorder.started.max_iter == 30
    assert recorder.started.variables == ("x",)
    assert recorder.finished.result is result
    for event, row in zip(recorder.events, result.history, strict=True):
        assert event.iteration == row.iteration
        assert event.objective == row.objective
        assert event.primal_residual == row.primal_residual
        assert event.psnr == row.psnr
        assert not math.isnan(event.objective)
    seconds = [event.seconds for event in recorder.events]
    assert seconds == sorted(seconds)


def test_the_objective_told_is_that_of_the_iterate() -> None:
    problem, _ = television()
    recorder = Recorder()
    with dp.monitor(recorder):
        problem.solve(max_iter=12)
    for event, iterate in zip(recorder.events, recorder.iterates, strict=True):
        assert event.objective == pytest.approx(problem.value(iterate), rel=1e-12)


def test_listening_changes_nothing() -> None:
    problem, x = television()
    alone = problem.solve(max_iter=70, abs_tol=0, rel_tol=0)
    with dp.monitor(Recorder()), dp.monitor(lambda event: event.iterate):
        watched = problem.solve(max_iter=70, abs_tol=0, rel_tol=0)
    assert torch.equal(alone[x], watched[x])
    assert alone.objective == watched.objective


def test_a_listener_stops_the_solve() -> None:
    problem, _ = television()

    def listener(event: dp.Iteration) -> None:
        if event.iteration == 6:
            event.stop()

    with dp.monitor(listener):
        result = problem.solve(abs_tol=0, rel_tol=0)
    assert result.status is Status.STOPPED
    assert result.iterations == 6


def test_should_stop_is_asked_at_every_iteration() -> None:
    problem, _ = television()

    class Token:
        asked = 0

        def should_stop(self) -> bool:
            self.asked += 1
            return self.asked > 4

    with dp.monitor(Token()):
        assert problem.solve(max_iter=2).status is Status.ITERATION_LIMIT
        result = problem.solve(abs_tol=0, rel_tol=0)
    assert result.status is Status.STOPPED


def test_conjugate_gradients_ask_at_every_inner_step() -> None:
    x = dp.Variable("x", SHAPE)
    steep = dp.sum_squares(dp.grad(x) - noise(2, (*SHAPE, 2)))
    problem = dp.Problem(steep + 1e-6 * dp.sum_squares(x))

    class Token:
        asked = 0

        def should_stop(self) -> bool:
            self.asked += 1
            return self.asked > 3

    token = Token()
    with dp.monitor(token):
        result = problem.solve(linear_solver="cg")
    assert result.status in (Status.STOPPED, Status.CONVERGED)
    # Twenty-nine steps would have been needed.
    assert token.asked <= 6


def test_an_iterate_is_a_copy_and_gone_after_the_call() -> None:
    problem, _ = television()
    kept: list[dp.Iteration] = []
    recorder = Recorder()
    with dp.monitor(recorder), dp.monitor(kept.append):
        problem.solve(max_iter=4, abs_tol=0, rel_tol=0)
    assert not torch.equal(recorder.iterates[0], recorder.iterates[-1])
    assert torch.equal(kept[0].iterate["x"], recorder.iterates[0])
    kept.clear()
    with dp.monitor(kept.append):
        problem.solve(max_iter=1)
    with pytest.raises(
        dp.ParameterError, match=r"read event\.iterate while the listener is called"
    ):
        _ = kept[0].iterate


def test_blocks_nest_and_end() -> None:
    problem, _ = television()
    outer: list[int] = []
    inner: list[int] = []
    with dp.monitor(lambda event: outer.append(event.iteration)):
        with dp.monitor(lambda event: inner.append(event.iteration)):
            problem.solve(max_iter=3)
        problem.solve(max_iter=2)
    problem.solve(max_iter=2)
    assert inner == [1, 2, 3]
    assert outer == [1, 2, 3, 1, 2]


def test_what_cannot_listen_is_refused() -> None:
    with pytest.raises(dp.ParameterError, match="A listener has one of the methods"), dp.monitor(3):
        pass


def test_an_error_in_a_listener_is_not_swallowed() -> None:
    problem, _ = television()

    def broken(event: dp.Iteration) -> None:
        raise ZeroDivisionError("mine")

    with dp.monitor(broken), pytest.raises(ZeroDivisionError, match="mine"):
        problem.solve()
    assert problem.solve(max_iter=2).iterations == 2


def test_history_is_written_as_comma_separated_values(tmp_path: Path) -> None:
    problem, _ = television()
    result = problem.solve(max_iter=12, abs_tol=0, rel_tol=0, truth=noise(1))
    path = result.history.to_csv(tmp_path / "run.csv")
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == [
        "iteration", "seconds", "objective", "primal_residual", "dual_residual", "psnr",
    ]  # fmt: skip
    assert [int(row["iteration"]) for row in rows] == list(range(1, 13))
    # Unwatched, only every tenth and the last are evaluated.
    assert [row["objective"] != "" for row in rows] == [i in (10, 12) for i in range(1, 13)]
    assert float(rows[-1]["objective"]) == result.history[-1].objective


def test_result_knows_its_variables() -> None:
    problem, x = television()
    result = problem.solve(max_iter=5)
    assert result["x"] is result[x]
    with pytest.raises(dp.ParameterError, match="y is no variable of this problem"):
        result["y"]
    assert "objective" in repr(result)
    assert result.metrics["violation"] == 0.0


def test_objective_of_the_result_is_the_written_one() -> None:
    problem, x = television()
    result = problem.solve(max_iter=25)
    assert result.objective == pytest.approx(problem.value(result[x]), rel=1e-12)


def test_psnr_is_against_the_truth() -> None:
    problem, x = television()
    truth = noise(1)
    result = problem.solve(max_iter=10, truth=truth)
    error = float((result[x] - truth).square().mean())
    assert result.metrics["psnr"] == pytest.approx(-10 * math.log10(error), rel=1e-6)
    with pytest.raises(dp.ShapeError, match="truth for x has shape"):
        problem.solve(truth=torch.zeros(2, 2))
