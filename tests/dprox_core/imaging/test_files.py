"""Image files: every kind a user may bring, and every way in which one can be bad."""

import os
from pathlib import Path

import numpy as np
import png
import pytest
import torch
from PIL import Image

import dprox_core as dp
from dprox_core.imaging.writing import to_pixels

_RAMP = (np.arange(6 * 8) * 5 % 256).astype(np.uint8).reshape(6, 8)


def _save(folder: Path, name: str, array: np.ndarray, mode: str | None = None) -> Path:
    path = folder / name
    picture = Image.fromarray(array)
    (picture.convert(mode) if mode else picture).save(path)
    return path


@pytest.mark.parametrize("name", ["coffee", "astronaut", "camera", "chelsea"])
def test_samples_load_in_unit_range(name: str) -> None:
    image = dp.load_image(f"sample:{name}", size=100)
    assert image.dtype == torch.float32
    assert image.shape[0] == 1
    assert image.shape[1] == (1 if name == "camera" else 3)
    assert max(image.shape[-2:]) == 100
    assert 0 <= float(image.min()) < float(image.max()) <= 1


def test_eight_bit_grey_is_divided_by_255(tmp_path: Path) -> None:
    image = dp.load_image(_save(tmp_path, "grey.png", _RAMP))
    assert torch.equal(image[0, 0], torch.from_numpy(_RAMP.astype(np.float32) / 255))


def test_colour_channels_keep_their_order(tmp_path: Path) -> None:
    array = np.stack([_RAMP, _RAMP // 2, _RAMP // 4], axis=2)
    image = dp.load_image(_save(tmp_path, "colour.png", array))
    assert torch.equal(image[0].permute(1, 2, 0), torch.from_numpy(array / np.float32(255)))


def test_sixteen_bit_grey_keeps_its_depth(tmp_path: Path) -> None:
    array = (np.arange(48, dtype=np.uint16) * 1300).reshape(6, 8)
    image = dp.load_image(_save(tmp_path, "deep.png", array))
    assert torch.equal(image[0, 0], torch.from_numpy(array.astype(np.float32) / 65535))


@pytest.mark.parametrize("alpha", [False, True])
def test_sixteen_bit_colour_keeps_its_depth(tmp_path: Path, alpha: bool) -> None:
    planes = 4 if alpha else 3
    array = (np.arange(6 * 8 * planes, dtype=np.uint16) * 300).reshape(6, 8, planes)
    path = tmp_path / "deep.png"
    with path.open("wb") as file:
        png.Writer(8, 6, greyscale=False, alpha=alpha, bitdepth=16).write(
            file, array.reshape(6, -1).tolist()
        )
    image = dp.load_image(path)
    expected = array[:, :, :3].astype(np.float32) / 65535
    assert torch.equal(image[0].permute(1, 2, 0), torch.from_numpy(expected))


def test_alpha_is_ignored_with_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    array = np.stack([_RAMP, _RAMP, _RAMP, np.full_like(_RAMP, 7)], axis=2)
    image = dp.load_image(_save(tmp_path, "clear.png", array))
    assert image.shape == (1, 3, 6, 8)
    assert torch.equal(image[0, 1], torch.from_numpy(_RAMP / np.float32(255)))
    assert 'alpha channel of "clear.png" is ignored' in caplog.text


@pytest.mark.parametrize("mode", ["P", "1", "CMYK", "LA"])
def test_other_modes_load(tmp_path: Path, mode: str) -> None:
    name = "image.tif" if mode == "CMYK" else "image.png"
    image = dp.load_image(_save(tmp_path, name, _RAMP, mode))
    assert image.shape[1] == (1 if mode in ("1", "LA") else 3)
    assert float(image.max()) <= 1


def test_rotated_photographs_stand_upright(tmp_path: Path) -> None:
    path = tmp_path / "turned.jpg"
    picture = Image.fromarray(_RAMP)
    exif = picture.getexif()
    exif[0x0112] = 6
    picture.save(path, exif=exif)
    assert dp.load_image(path).shape == (1, 1, 8, 6)


def test_colour_choices() -> None:
    colour = dp.load_image("sample:coffee", size=32)
    grey = dp.load_image("sample:coffee", size=32, colour="grey")
    weights = torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)
    torch.testing.assert_close(grey, (colour * weights).sum(1, keepdim=True))
    assert dp.load_image("sample:camera", size=32, colour="colour").shape[1] == 3


def test_size_keeps_the_mean_and_never_enlarges(tmp_path: Path) -> None:
    full = dp.load_image("sample:camera")
    small = dp.load_image("sample:camera", size=64)
    assert abs(float(full.mean() - small.mean())) < 2e-3
    assert dp.load_image(_save(tmp_path, "tiny.png", _RAMP), size=500).shape == (1, 1, 6, 8)


def test_arrays_load_as_they_are(tmp_path: Path) -> None:
    array = np.random.default_rng(0).normal(size=(5, 7, 3))
    np.save(tmp_path / "a.npy", array)
    image = dp.load_image(tmp_path / "a.npy")
    assert torch.equal(image[0].permute(1, 2, 0), torch.from_numpy(array.astype(np.float32)))


def test_relative_paths_start_from_the_session_folder(tmp_path: Path) -> None:
    _save(tmp_path, "grey.png", _RAMP)
    with dp.session(base=tmp_path, out=tmp_path / "results"):
        dp.save_image("copy.png", dp.load_image("grey.png"))
    assert np.array_equal(np.asarray(Image.open(tmp_path / "results" / "copy.png")), _RAMP)


def _truncated(folder: Path) -> Path:
    whole = _save(folder, "cut.png", np.random.default_rng(0).integers(0, 255, (64, 64, 3), "u1"))
    whole.write_bytes(whole.read_bytes()[:2000])
    return whole


def _foreign(folder: Path) -> Path:
    path = folder / "notes.png"
    path.write_text("this is no picture")
    return path


def _empty(folder: Path) -> Path:
    path = folder / "empty.png"
    path.touch()
    return path


def _wide(folder: Path) -> Path:
    path = folder / "wide.png"
    Image.new("1", (20000, 5000)).save(path)
    return path


def _pickled(folder: Path) -> Path:
    path = folder / "objects.npy"
    np.save(path, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    return path


def _deep_truncated(folder: Path) -> Path:
    path = folder / "deepcut.png"
    with path.open("wb") as file:
        rows = np.random.default_rng(0).integers(0, 65535, (32, 96)).tolist()
        png.Writer(32, 32, greyscale=False, bitdepth=16).write(file, rows)
    path.write_bytes(path.read_bytes()[:900])
    return path


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (_truncated, "damaged"),
        (_deep_truncated, "damaged"),
        (_foreign, "not an image"),
        (_empty, "not an image"),
        (_wide, "20000 × 5000 pixels (100 megapixels)"),
        (_pickled, "damaged or cannot be read"),
        (lambda folder: folder / "absent.png", "was not found"),
        (lambda folder: folder, "is a folder"),
        (lambda folder: "sample:teapot", "choose one of astronaut, camera, chelsea, coffee"),
    ],
)
def test_bad_files_are_refused_in_a_sentence(tmp_path: Path, make, sentence: str) -> None:
    with pytest.raises(dp.ImageError) as caught:
        dp.load_image(make(tmp_path))
    assert sentence in str(caught.value)


def test_a_wide_image_loads_when_scaled_down(tmp_path: Path) -> None:
    assert dp.load_image(_wide(tmp_path), size=400).shape == (1, 1, 100, 400)


def test_nan_in_a_file_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "hole.npy", np.array([[0.0, np.nan]]))
    with pytest.raises(dp.DataError, match="holds NaN"):
        dp.load_image(tmp_path / "hole.npy")


@pytest.mark.parametrize("size", [0, -3, 1.5, True])
def test_bad_sizes_are_refused(size: object) -> None:
    with pytest.raises(dp.ParameterError, match="size must be a whole number"):
        dp.load_image("sample:camera", size=size)  # type: ignore[arg-type]


def test_png_round_trip_is_exact_and_repeatable(tmp_path: Path) -> None:
    image = dp.load_image("sample:chelsea")
    first = dp.save_image(tmp_path / "first.png", image).read_bytes()
    second = dp.save_image(tmp_path / "second.png", image).read_bytes()
    assert first == second
    assert torch.equal(dp.load_image(tmp_path / "first.png"), image)


def test_npy_keeps_every_bit(tmp_path: Path) -> None:
    image = torch.randn(1, 3, 5, 4, dtype=torch.float64)
    dp.save_image(tmp_path / "x.npy", image)
    assert np.array_equal(np.load(tmp_path / "x.npy"), image[0].permute(1, 2, 0).numpy())


def test_levels() -> None:
    values = np.array([[-1.0, 0.0, 1.0, 3.0]])
    assert to_pixels(values).tolist() == [[0, 0, 255, 255]]
    assert to_pixels(values, (-1.0, 1.0)).tolist() == [[0, 128, 255, 255]]
    assert to_pixels(values, "auto").tolist() == [[0, 64, 128, 255]]
    assert to_pixels(np.zeros((1, 2)), "auto").tolist() == [[0, 0]]
    assert to_pixels(np.array([[3 + 4j]]), (0.0, 10.0)).tolist() == [[128]]


@pytest.mark.parametrize(
    "levels", [(1.0, 0.0), (0.0,), "middle", (0.0, float("nan")), (0.0, float("inf"))]
)
def test_bad_levels_are_refused(levels: object) -> None:
    with pytest.raises(dp.ParameterError, match="levels must be"):
        to_pixels(np.zeros((2, 2)), levels)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "image", "error", "sentence"),
    [
        ("x.gif", torch.zeros(2, 2), dp.ImageError, "must end in .png or .npy"),
        ("x.png", torch.zeros(2, 3, 4, 4), dp.ShapeError, "one image of the batch"),
        ("x.png", torch.zeros(31, 4, 4), dp.ShapeError, "this one has 31"),
        ("x.png", torch.full((2, 2), float("nan")), dp.DataError, "holds NaN"),
    ],
)
def test_what_cannot_be_saved(
    tmp_path: Path, name: str, image: torch.Tensor, error: type[Exception], sentence: str
) -> None:
    with pytest.raises(error, match=sentence):
        dp.save_image(tmp_path / name, image)
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_way_of_the_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(dp.ImageError, match="could not be written"):
        dp.save_image(tmp_path / "taken" / "x.png", torch.zeros(2, 2))


def test_a_full_disk_leaves_the_old_file(tmp_path: Path) -> None:
    if not os.path.exists("/dev/full"):
        pytest.skip("needs /dev/full to stand for a full disk")
    from dprox_core.imaging.writing import _write_atomically

    target = tmp_path / "x.png"
    target.write_bytes(b"old")

    def fill(file: object) -> None:
        with open("/dev/full", "wb", buffering=0) as full:
            full.write(b"data")

    with pytest.raises(dp.ImageError, match="free some space"):
        _write_atomically(target, fill)
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]
