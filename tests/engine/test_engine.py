"""A run as the window sees it: what comes, in which order, and what buttons do to it."""

from __future__ import annotations

import numpy as np
import pytest

from app.engine.client import Engine
from app.engine.protocol import (
    NodeFinished,
    NodeImage,
    NodeStarted,
    Piece,
    Program,
    RunFailed,
    RunFinished,
    RunStarted,
    RunStopped,
    SolveFinished,
    SolveStarted,
    WorkerReady,
)
from tests.engine.helpers import FOREVER, Watcher, denoising, program


def test_a_run_tells_everything_in_order(warm: Watcher) -> None:
    run = warm.engine.run(denoising(size=48, max_iter=25))
    end = warm.end(run)
    assert isinstance(end, RunFinished)
    kinds = [type(message) for message in warm.messages if getattr(message, "run", 0) == run]
    assert kinds[0] is RunStarted
    assert kinds[-1] is RunFinished
    nodes = ["photo", "noisy", "x", "fidelity", "smoothness", "problem", "result", "view"]
    assert [m.node for m in warm.of(NodeStarted, run)] == [f"id-{name}" for name in nodes]
    assert [m.node for m in warm.of(NodeFinished, run)] == [f"id-{name}" for name in nodes]
    assert all(m.seconds >= 0 for m in warm.of(NodeFinished, run))
    (started,), (finished,) = warm.of(SolveStarted, run), warm.of(SolveFinished, run)
    assert started.node == finished.node == "id-result"
    assert started.max_iter == finished.iterations == 25
    assert started.variables == ("x",)
    assert started.plan
    assert "x" in started.plan_text
    assert not finished.converged
    assert finished.metrics["psnr"] > 20
    assert warm.engine.state == "idle"


def test_every_iteration_has_a_row(warm: Watcher) -> None:
    warm.end(warm.engine.run(denoising(max_iter=40)))
    (finished,) = warm.of(SolveFinished)
    assert warm.rows.shape == (40, 8)
    assert np.array_equal(warm.rows[:, 0], np.arange(1, 41))
    assert (np.diff(warm.rows[:, 1]) >= 0).all()
    assert np.isfinite(warm.rows).all()
    assert warm.rows[-1, 2] == finished.objective
    assert warm.rows[-1, 5] == pytest.approx(finished.metrics["psnr"], abs=1e-3)


def test_pictures_are_the_values(warm: Watcher) -> None:
    run = warm.engine.run(denoising(size=48, max_iter=10))
    warm.end(run)
    warm.look()
    images = {message.node: message for message in warm.of(NodeImage, run)}
    assert set(images) == {"id-photo", "id-noisy", "id-view"}
    noisy = images["id-noisy"]
    assert noisy.full.shape == (48, 48)
    assert noisy.shape == (1, 1, 48, 48)
    assert (noisy.low, noisy.high) == (noisy.full.min(), noisy.full.max())
    assert noisy.low < 0 < 1 < noisy.high
    last = warm.images[-1]
    assert last.iteration == 10
    assert last.variable == "x"
    assert np.array_equal(last.data(), images["id-view"].full)
    shown = np.clip(last.data(), 0, 1) * 255
    assert np.abs(last.display - shown).max() <= 0.5 + 1e-4


def test_stop_keeps_the_last_iterate(warm: Watcher) -> None:
    run = warm.engine.run(denoising(max_iter=FOREVER))
    warm.wait(lambda: len(warm.rows) > 5)
    warm.engine.stop()
    assert warm.engine.state == "stopping"
    end = warm.end(run)
    assert isinstance(end, RunStopped)
    assert not end.forced
    assert warm.engine.state == "idle"
    (finished,) = warm.of(SolveFinished, run)
    assert finished.status == "stopped"
    assert finished.iterations == len(warm.rows) == warm.rows[-1, 0]
    # What shows the result is still done, so the window shows what it stopped at.
    view = next(message for message in warm.of(NodeImage, run) if message.node == "id-view")
    assert np.array_equal(view.full, warm.images[-1].data())


def test_pause_step_resume(warm: Watcher) -> None:
    run = warm.engine.run(denoising(max_iter=FOREVER))
    warm.wait(lambda: len(warm.rows) > 3)
    warm.engine.pause()
    assert warm.engine.state == "paused"
    warm.wait(lambda: warm.engine.holding)
    warm.look()
    count = len(warm.rows)
    for _ in range(5):
        warm.look()
    assert len(warm.rows) == count
    for step in (1, 2, 3):
        warm.engine.step()
        warm.wait(lambda step=step: len(warm.rows) >= count + step)
        warm.wait(lambda: warm.engine.holding)
        warm.look()
        assert len(warm.rows) == count + step
        warm.wait(lambda step=step: warm.images[-1].iteration == count + step)
    assert warm.engine.state == "paused"
    warm.engine.resume()
    assert warm.engine.state == "running"
    warm.wait(lambda: len(warm.rows) > count + 10)
    warm.engine.stop()
    assert isinstance(warm.end(run), RunStopped)
    assert np.array_equal(warm.rows[:, 0], np.arange(1, len(warm.rows) + 1))


def test_stop_ends_a_pause(warm: Watcher) -> None:
    run = warm.engine.run(denoising(max_iter=FOREVER))
    warm.wait(lambda: len(warm.rows) > 0)
    warm.engine.pause()
    warm.wait(lambda: warm.engine.holding)
    warm.engine.stop()
    end = warm.end(run)
    assert isinstance(end, RunStopped)
    assert not end.forced
    # The next run is not paused.
    assert isinstance(warm.end(warm.engine.run(denoising(max_iter=3))), RunFinished)


def test_a_run_can_begin_paused(warm: Watcher) -> None:
    run = warm.engine.run(denoising(max_iter=FOREVER), paused=True)
    warm.engine.step()
    warm.first(SolveStarted, run)
    warm.wait(lambda: len(warm.rows) >= 1)
    warm.wait(lambda: warm.engine.holding)
    warm.look()
    assert len(warm.rows) == 1
    warm.engine.stop()
    warm.end(run)


def test_a_new_run_replaces_the_old_one(warm: Watcher) -> None:
    first = warm.engine.run(denoising(max_iter=FOREVER))
    warm.wait(lambda: len(warm.rows) > 2)
    second = warm.engine.run(denoising(max_iter=4))
    third = warm.engine.run(denoising(max_iter=5))
    assert isinstance(warm.end(third), RunFinished)
    assert isinstance(warm.end(first), RunStopped)
    assert isinstance(warm.end(second), RunStopped)
    assert not warm.of(RunStarted, second)
    assert warm.of(SolveFinished, third)[0].iterations == 5


TWO_SOLVES = """\
import dprox_core as dp

a = dp.load_image("sample:coffee", size=40)
x = dp.Variable("x", shape=a.shape)
first = dp.Problem(dp.sum_squares(x - a) + 0.1 * dp.norm1(dp.grad(x))).solve(
    method="admm", x0=a, max_iter=7, abs_tol=0.0, rel_tol=0.0
)
b = dp.load_image("sample:camera", size=64)
y = dp.Variable("y", shape=b.shape)
second = dp.Problem(dp.sum_squares(y - b) + 0.1 * dp.norm1(dp.grad(y))).solve(
    method="admm", x0=b, max_iter=9, abs_tol=0.0, rel_tol=0.0
)
"""


def test_several_solves_are_kept_apart(warm: Watcher) -> None:
    run = warm.engine.run(program(TWO_SOLVES))
    parts: dict[int, list[np.ndarray]] = {}
    solve = 0
    while not warm.of((RunFinished, RunFailed), run):
        update = warm.look()
        for message in update.messages:
            if isinstance(message, SolveStarted):
                solve = message.solve
        if len(update.history):
            parts.setdefault(solve, []).append(update.history)
    assert isinstance(warm.end(run), RunFinished)
    one, two = warm.of(SolveStarted, run)
    rows = {key: np.concatenate(found) for key, found in parts.items()}
    assert np.array_equal(rows[one.solve][:, 0], np.arange(1, 8))
    assert np.array_equal(rows[two.solve][:, 0], np.arange(1, 10))
    assert np.isnan(rows[one.solve][:, 5]).all()  # no ground truth is wired
    last = warm.images[-1]
    assert (last.variable, last.solve, last.iteration) == ("y", two.solve, 9)
    assert last.display.shape == (64, 64)


def test_a_script_without_a_solve_is_a_run(warm: Watcher) -> None:
    run = warm.engine.run(program("import dprox_core as dp\n\np = dp.gaussian_psf(size=9)\n"))
    assert isinstance(warm.end(run), RunFinished)
    (image,) = warm.of(NodeImage, run)
    assert image.full.shape == (9, 9)
    assert image.full.sum() == pytest.approx(1, abs=1e-5)
    assert len(warm.rows) == 0


def test_an_empty_script_is_a_run(warm: Watcher) -> None:
    assert isinstance(warm.end(warm.engine.run(Program(""))), RunFinished)


def test_values_inside_another_statement_are_shown(warm: Watcher) -> None:
    text = (
        "import dprox_core as dp\n\n"
        'größe = dp.add_noise(dp.blur(dp.load_image("sample:coffee", size=32), '
        "dp.gaussian_psf(size=5)), sigma=0.1)\n"
    )
    line = text.splitlines()[2]

    def part(node: str, code: str) -> Piece:
        start = line.index(code)
        return Piece(node, node, 3, start, 3, start + len(code), whole=False)

    load = 'dp.load_image("sample:coffee", size=32)'
    pieces = (
        Piece("whole", "größe", 3, 0, 3, 1 << 30),
        part("blur", f"dp.blur({load}, dp.gaussian_psf(size=5))"),
        part("load", load),
        part("psf", "dp.gaussian_psf(size=5)"),
    )
    run = warm.engine.run(Program(text, pieces))
    assert isinstance(warm.end(run), RunFinished)
    images = {message.node: message.full for message in warm.of(NodeImage, run)}
    assert {node: image.shape[0] > 4 for node, image in images.items()} == dict.fromkeys(
        ("load", "psf", "blur", "whole"), True
    )
    assert images["psf"].shape == (5, 5)
    # The very values: noise is what the whole adds to the blurred image.
    assert 0.08 < float((images["whole"] - images["blur"]).std()) < 0.12
    seconds = {message.node: message.seconds for message in warm.of(NodeFinished, run)}
    assert seconds["whole"] is not None
    assert seconds["blur"] is seconds["psf"] is seconds["load"] is None


def test_what_a_script_prints_is_captured(warm: Watcher) -> None:
    text = "import os, sys\nprint('grüße ∇')\nos.write(1, b'{\"$type\": \"RunFinished\"}\\n')\n"
    text += "print('to stderr', file=sys.stderr)\n"
    run = warm.engine.run(Program(text))
    assert isinstance(warm.end(run), RunFinished)
    warm.wait(lambda: "to stderr" in warm.text)
    assert "grüße ∇" in warm.text
    assert '{"$type": "RunFinished"}' in warm.text
    assert len(warm.of(RunFinished, run)) == 1


def test_a_huge_image_is_shown_smaller(warm: Watcher) -> None:
    text = "import torch\nhuge = torch.full((1, 3, 5000, 3001), 0.25)\nhuge[..., :9, :9] = 2.0\n"
    run = warm.engine.run(program(text))
    assert isinstance(warm.end(run), RunFinished)
    image = warm.of(NodeImage, run)[0]
    assert image.shape == (1, 3, 5000, 3001)
    assert image.reduction == 2
    assert image.full.shape == (2500, 1501, 3)
    assert max(image.array.shape) <= 256
    assert np.all(image.array == 0.25)  # the value was set one statement later


@pytest.mark.parametrize(
    ("expression", "shape"),
    [
        ("torch.zeros(3, 4)", (3, 4)),
        ("torch.zeros(1, 1, 3, 4)", (3, 4)),
        ("torch.zeros(2, 3, 5, 4)", (5, 4, 3)),
        ("torch.zeros(1, 31, 5, 4)", (5, 4)),
        ("torch.zeros(1, 1, 5, 4, 2)", (5, 4)),
        ("torch.zeros(5, 4, dtype=torch.complex64)", (5, 4)),
        ("torch.zeros(5, 4, dtype=torch.bool)", (5, 4)),
        ("torch.full((5, 4), float('nan'))", (5, 4)),
        ("torch.zeros(5)", None),
        ("torch.zeros(0, 3)", None),
        ("7", None),
    ],
)
def test_any_value_can_be_looked_at(
    warm: Watcher, expression: str, shape: tuple[int, ...] | None
) -> None:
    run = warm.engine.run(program(f"import torch\nvalue = {expression}\n"))
    assert isinstance(warm.end(run), RunFinished)
    images = warm.of(NodeImage, run)
    assert [image.full.shape for image in images] == ([] if shape is None else [shape])


def test_a_preview_does_no_solve(warm: Watcher) -> None:
    text = denoising(max_iter=FOREVER).text + "\nshown = dp.load_image('sample:camera', size=8)\n"
    run = warm.engine.preview(program(text))
    end = warm.end(run)
    assert isinstance(end, RunFinished)
    assert end.preview
    assert not warm.of(SolveStarted, run)
    assert {m.node for m in warm.of(NodeImage, run)} == {"id-photo", "id-noisy", "id-shown"}
    assert warm.engine.state == "idle"


def test_a_preview_goes_on_after_a_failure(warm: Watcher) -> None:
    text = (
        "import dprox_core as dp\n"
        "a = dp.load_image('no such file.png')\n"
        "b = dp.add_noise(a)\n"
        "c = dp.gaussian_psf(size=5)\n"
        "d = dp.gaussian_psf(size=-5)\n"
    )
    run = warm.engine.preview(program(text))
    end = warm.end(run)
    assert isinstance(end, RunFailed)
    assert end.preview
    assert end.node == "id-a"
    assert "no such file.png" in end.sentence
    assert [m.node for m in warm.of(NodeImage, run)] == ["id-c"]


def test_previews_do_not_disturb_a_run(warm: Watcher) -> None:
    run = warm.engine.run(denoising(max_iter=FOREVER))
    older = warm.engine.preview(denoising())
    newer = warm.engine.preview(denoising())
    warm.wait(lambda: len(warm.rows) > 5)
    assert warm.engine.state == "running"
    assert isinstance(warm.end(older), RunStopped)
    assert not warm.of((RunFinished, RunStopped), newer)
    warm.engine.run(denoising(max_iter=2))
    assert isinstance(warm.end(run), RunStopped)


def test_outputs_are_written_where_asked(warm: Watcher, tmp_path: object) -> None:
    run = warm.engine.run(denoising(max_iter=2), out=tmp_path / "größe" / "deep")
    end = warm.end(run)
    (output,) = end.outputs
    assert (output.node, output.name) == ("id-view", "x")
    assert output.path == str(tmp_path / "größe" / "deep" / "x.png")
    assert (tmp_path / "größe" / "deep" / "x.png").read_bytes()[:4] == b"\x89PNG"


def test_inputs_are_read_from_the_base(warm: Watcher, tmp_path: object) -> None:
    from PIL import Image

    Image.fromarray(np.full((6, 5), 128, np.uint8)).save(tmp_path / "größe.png")
    text = "import dprox_core as dp\nb = dp.load_image('größe.png')\n"
    run = warm.engine.run(program(text), base=tmp_path)
    assert isinstance(warm.end(run), RunFinished)
    assert warm.of(NodeImage, run)[0].full == pytest.approx(np.full((6, 5), 128 / 255))


def test_stop_while_starting(fresh: Watcher) -> None:
    fresh.engine.start()
    run = fresh.engine.run(denoising(max_iter=FOREVER))
    assert fresh.engine.state == "starting"
    fresh.engine.stop()
    assert isinstance(fresh.end(run), RunStopped)
    assert not fresh.of(RunStarted)
    fresh.first(WorkerReady)
    assert fresh.engine.state == "idle"
    assert isinstance(fresh.end(fresh.engine.run(denoising(max_iter=2))), RunFinished)


def test_a_run_starts_the_worker_it_needs(fresh: Watcher) -> None:
    assert fresh.engine.state == "dead"
    run = fresh.engine.run(denoising(max_iter=2))
    assert isinstance(fresh.end(run), RunFinished)
    ready = fresh.first(WorkerReady)
    assert fresh.engine.devices == ready.devices
    assert ready.devices[0] == "cpu"
    assert set(ready.titles) == set(ready.devices)
    assert {"python", "torch", "dprox-studio"} <= set(ready.versions)


def test_buttons_without_a_run_do_nothing() -> None:
    engine = Engine()
    engine.stop()
    engine.pause()
    engine.step()
    engine.resume()
    assert not engine.poll().messages
    engine.close()
    engine.close()
    assert engine.state == "dead"
