"""The networks as functions: shapes, sizes, noise levels, and what their formulae promise."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from dprox_core.errors import ParameterError, ShapeError
from dprox_core.priors.denoisers.base import Denoiser
from dprox_core.priors.denoisers.dncnn import DnCNN
from dprox_core.priors.denoisers.drunet import DRUNet
from dprox_core.priors.denoisers.ffdnet import FFDNet
from dprox_core.priors.denoisers.ircnn import IRCNN
from dprox_core.priors.denoisers.unet import UNet

CASES = {
    "dncnn": lambda c: DnCNN(c, 6, 4),
    "dncnn conditioned": lambda c: DnCNN(c, 6, 4, conditioned=True),
    "dncnn circular": lambda c: DnCNN(c, 6, 4, conditioned=True, padding="circular"),
    "fdncnn": lambda c: DnCNN(c, 6, 4, conditioned=True, residual=False),
    "ffdnet": lambda c: FFDNet(c, 6, 4),
    "ircnn": lambda c: IRCNN(c, 4, 25),
    "drunet": lambda c: DRUNet(c, (4, 5, 6, 7), 2),
    "unet": lambda c: UNet(c, (4, 5, 6, 7, 8)),
}


@pytest.fixture(params=CASES, ids=str)
def make(request: pytest.FixtureRequest):
    def build(channels: int) -> Denoiser:
        torch.manual_seed(3)
        return CASES[request.param](channels).eval()

    return build


def zero(net: nn.Module) -> None:
    for parameter in net.parameters():
        nn.init.zeros_(parameter)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(16, 16), (17, 23), (1, 5), (2, 40)])
def test_any_size_keeps_its_shape(make, channels: int, size: tuple[int, int]) -> None:
    image = torch.rand(2, channels, *size)
    out = make(channels)(image, 0.1)
    assert out.shape == image.shape
    assert out.dtype == image.dtype


def test_pictures_of_a_batch_do_not_mix(make) -> None:
    net, images = make(1), torch.rand(3, 1, 18, 15)
    sigma = torch.tensor([0.01, 0.08, 0.19])
    together = net(images, sigma)
    for index in range(3):
        alone = net(images[index : index + 1], float(sigma[index]))
        assert torch.allclose(together[index : index + 1], alone, atol=1e-5)


def test_grey_network_takes_colour_channel_by_channel(make) -> None:
    net, image = make(1), torch.rand(2, 3, 16, 16)
    sigma = torch.tensor([0.02, 0.15])
    out = net(image, sigma)
    for channel in range(3):
        one = net(image[:, channel : channel + 1], sigma)
        assert torch.allclose(out[:, channel : channel + 1], one, atol=1e-5)


def test_double_precision_and_gradients(make) -> None:
    net = make(1).double()
    image = torch.rand(1, 1, 16, 16, dtype=torch.float64, requires_grad=True)
    out = net(image, 0.1)
    assert out.dtype == torch.float64
    (gradient,) = torch.autograd.grad(out.square().sum(), image)
    # Against a central difference along a random direction.
    direction = torch.randn_like(image)
    h = 1e-6
    with torch.no_grad():
        rise = net(image + h * direction, 0.1).square().sum()
        fall = net(image - h * direction, 0.1).square().sum()
    expected = float((rise - fall) / (2 * h))
    assert float((gradient * direction).sum()) == pytest.approx(expected, rel=1e-4, abs=1e-6)


def test_padding_repeats_the_edge(make) -> None:
    net, image = make(1), torch.rand(1, 1, 13, 21)
    bottom, right = -13 % net.multiple, -21 % net.multiple
    padded = nn.functional.pad(image, (0, right, 0, bottom), mode="replicate")
    assert torch.allclose(net(image, 0.1), net(padded, 0.1)[..., :13, :21], atol=1e-6)


def test_only_networks_that_say_so_read_sigma(make) -> None:
    net, image = make(1), torch.rand(1, 1, 32, 32)
    same = torch.equal(net(image, 0.02), net(image, 0.18))
    assert same == net.blind


@pytest.mark.parametrize("name", ["dncnn", "dncnn conditioned", "ircnn", "unet"])
def test_residual_networks_without_weights_change_nothing(name: str) -> None:
    net = CASES[name](3)
    zero(net)
    image = torch.rand(1, 3, 16, 16)
    assert torch.equal(net(image, 0.1), image)


def test_drunet_is_homogeneous() -> None:
    torch.manual_seed(0)
    net, image = DRUNet(3, (4, 4, 4, 4), 1).double(), torch.rand(1, 3, 16, 24).double()
    for t in (0.25, 7.0):
        assert torch.allclose(net(t * image, t * 0.1), t * net(image, 0.1), rtol=1e-9)


def test_convolutional_networks_commute_with_shifts() -> None:
    torch.manual_seed(0)
    image = torch.rand(1, 1, 40, 40)
    net = DnCNN(1, 5, 4, conditioned=True, padding="circular")
    for shift in ((3, 0), (5, 11)):
        moved = net(image.roll(shift, (-2, -1)), 0.1)
        assert torch.allclose(moved, net(image, 0.1).roll(shift, (-2, -1)), atol=1e-5)


def test_ffdnet_sees_phases_row_by_row_and_sigma_last() -> None:
    """With hand-made weights the output is one phase scaled, plus σ: FFDNet's data layout."""
    net = FFDNet(1, 8, 2)
    zero(net)
    first, last = net.model[0], net.model[2]
    with torch.no_grad():
        first.weight[0, 1, 1, 1] = 1  # feature 0 is the phase at (row 0, column 1)
        first.weight[1, 4, 1, 1] = 1  # feature 1 is the noise level
        last.weight[2, 0, 1, 1] = 3  # and goes to the phase at (row 1, column 0)
        last.weight[0, 1, 1, 1] = 1
    image = torch.rand(1, 1, 6, 8)
    out = net(image, 0.125)
    expected = torch.zeros_like(image)
    expected[..., 1::2, 0::2] = 3 * image[..., 0::2, 1::2]
    expected[..., 0::2, 0::2] = 0.125
    assert torch.allclose(out, expected)


@pytest.mark.parametrize(
    ("level", "kind"), [(0.0, 0), (1, 0), (2, 0), (2.5, 1), (15, 7), (25, 12), (50, 24), (80, 24)]
)
def test_ircnn_takes_the_network_of_the_next_level_up(level: float, kind: int) -> None:
    net = IRCNN(1, 2, 25)
    zero(net)
    with torch.no_grad():
        for index, network in enumerate(net.networks):
            network[-1].bias.fill_(float(index))
    image = torch.zeros(1, 1, 4, 4)
    assert torch.equal(net(image, level / 255), torch.full_like(image, -float(kind)))


def test_dncnn_clips_its_input_if_told_to() -> None:
    torch.manual_seed(0)
    net = DnCNN(1, 4, 3, conditioned=True, clip=True)
    image = 2 * torch.rand(1, 1, 8, 8) - 0.5
    assert torch.equal(net(image, 0.1), net(image.clamp(0, 1), 0.1))


def test_half_precision_stays_near() -> None:
    torch.manual_seed(0)
    net, image = FFDNet(3, 12, 4), torch.rand(1, 3, 16, 16)
    net.requires_grad_(False)
    exact = net(image, 0.1)
    rounded = net.bfloat16()(image.bfloat16(), 0.1)
    assert rounded.dtype == torch.bfloat16
    assert float((rounded.float() - exact).abs().max()) < 0.03


@pytest.mark.parametrize(
    ("image", "sigma", "error", "words"),
    [
        (torch.zeros(3, 8, 8), 0.1, ShapeError, "batch"),
        (torch.zeros(1, 1, 8, 8), 0.1, ShapeError, "3 channels"),
        (torch.zeros(2, 3, 8, 8), torch.zeros(3), ShapeError, "3 values for a batch of 2"),
        (torch.zeros(1, 3, 8, 8), -0.1, ParameterError, "cannot be -0.1"),
        (torch.zeros(1, 3, 8, 8), float("nan"), ParameterError, "cannot be nan"),
    ],
    ids=["no batch axis", "grey image", "too many levels", "negative", "not a number"],
)
def test_wrong_input_is_told_in_a_sentence(
    image: Tensor, sigma: float | Tensor, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        FFDNet(3, 4, 3)(image, sigma)
