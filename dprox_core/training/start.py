"""Starting weights, and FFDNet trained in a form that learns fast and folds into the public one.

A plain stack of convolutions that gives the image itself learns slowly. Three changes, all of which
fold away exactly, make it learn in minutes what took hours:

* it gives the noise; after folding, further feature channels carry the image past the rest;
* it sees and gives sums and differences of the four phases (a Haar step) instead of the phases,
  the differences amplified: they hold the noise, and are small beside the brightness;
* each inner convolution starts as the identity plus little, as in Zagoruyko and Komodakis,
  "DiracNets", 2017.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dprox_core.priors.denoisers.base import Denoiser, sigma_map
from dprox_core.priors.denoisers.drunet import DRUNet, ResidualBlock
from dprox_core.priors.denoisers.ffdnet import FFDNet

__all__ = ["Residual", "fold", "grey_start", "start_small"]

# Added to the carried image, which ReLU would otherwise cut at 0.
OFFSET = 3.0
# How far the differences of phases, and the noise level, are amplified.
DIFFERENCES, LEVEL = 4.0, 5.0
# Rows: the sum of a 2×2 block, then its differences across, down and both; orthonormal.
HAAR = ((1, 1, 1, 1), (1, -1, 1, -1), (1, 1, -1, -1), (1, -1, -1, 1))


class Residual(Denoiser):
    """x̂ = y + shuffle(Hᵀ N(H unshuffle(y), σ)) with a plain stack N and the Haar step H.

    Args:
        channels: 1 for grey images, 3 for colour.
        width: feature channels of N; the folded FFDNet has 4·channels more.
        depth: convolutions.
    """

    multiple = 2
    before: Tensor
    after: Tensor

    def __init__(self, channels: int, width: int, depth: int) -> None:
        super().__init__(channels)
        self.model = FFDNet(channels, width, depth).model
        haar = torch.tensor(HAAR, dtype=torch.float32) / 2
        gains = torch.diag(torch.tensor([1.0, DIFFERENCES, DIFFERENCES, DIFFERENCES]))
        before = torch.block_diag(*[gains @ haar] * channels, torch.tensor([[LEVEL]]))
        after = torch.block_diag(*[haar.T] * channels)
        self.register_buffer("before", before[:, :, None, None], persistent=False)
        self.register_buffer("after", after[:, :, None, None], persistent=False)

    def restore(self, image: Tensor, sigma: Tensor) -> Tensor:
        phases = F.pixel_unshuffle(image, 2)
        x = F.conv2d(torch.cat([phases, sigma_map(phases, sigma)], 1), self.before)
        return image + F.pixel_shuffle(F.conv2d(self.model(x), self.after), 2)


@torch.no_grad()
def fold(net: Residual) -> FFDNet:
    """The plain FFDNet that computes the same, wider by the channels that carry the image.

    The results agree wherever y ≥ −OFFSET, up to rounding.

    Args:
        net: a trained residual network.
    """
    old = [layer for layer in net.model if isinstance(layer, nn.Conv2d)]
    carried = 4 * net.channels
    folded = FFDNet(net.channels, old[0].out_channels + carried, len(old))
    new = [layer for layer in folded.model if isinstance(layer, nn.Conv2d)]
    before, after = net.before[:, :, 0, 0], net.after[:, :, 0, 0]
    for index, (source, target) in enumerate(zip(old, new, strict=True)):
        first, last = index == 0, index == len(old) - 1
        weight, bias = source.weight, source.bias
        assert bias is not None
        assert target.bias is not None
        if first:
            weight = torch.einsum("oikl,ij->ojkl", weight, before)
        if last:
            weight, bias = torch.einsum("po,oikl->pikl", after, weight), after @ bias
        rows, columns = (0 if last else carried), (0 if first else carried)
        target.weight.zero_()
        target.bias.zero_()
        target.weight[rows:, columns:] = weight
        target.bias[rows:] = bias
        target.weight[range(carried), range(carried), 1, 1] += 1
        if first:
            target.bias[:carried] += OFFSET
        if last:
            target.bias[:carried] -= OFFSET
    return folded


@torch.no_grad()
def grey_start(colour: dict[str, Tensor]) -> dict[str, Tensor]:
    """Starting weights of a grey DRUNet from a trained one for colour, with the same widths.

    The grey network is what the colour network does to three equal channels, averaged: it
    has seen edges and textures, and has to learn only that their noise is equal too.

    Args:
        colour: a state of a colour DRUNet.

    Returns:
        A state of the grey one.
    """
    grey = dict(colour)
    head, tail = colour["m_head.weight"], colour["m_tail.weight"]
    grey["m_head.weight"] = torch.cat([head[:, :3].sum(1, keepdim=True), head[:, 3:]], 1)
    grey["m_tail.weight"] = tail.mean(0, keepdim=True)
    return grey


@torch.no_grad()
def start_small(net: nn.Module) -> None:
    """Starting weights for which the network changes its input little.

    Args:
        net: a ``Residual`` or a DRUNet, changed in place; others keep their weights.
    """
    if isinstance(net, Residual):
        _start_residual(net)
    elif isinstance(net, DRUNet):
        _start_drunet(net)


def _start_residual(net: Residual) -> None:
    layers = [layer for layer in net.model if isinstance(layer, nn.Conv2d)]
    for layer in layers:
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        assert layer.bias is not None
        nn.init.zeros_(layer.bias)
    for layer in layers[1:-1]:
        every = range(layer.out_channels)
        layer.weight *= 0.05
        layer.weight[every, every, 1, 1] += 1
    layers[-1].weight *= 0.01


def _start_drunet(net: DRUNet) -> None:
    for module in net.modules():
        if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
            nn.init.kaiming_normal_(module.weight, nonlinearity="linear")
    for module in net.modules():
        if isinstance(module, ResidualBlock):
            module.res.get_parameter("2.weight").mul_(0.1)
    channels = range(net.channels)
    net.m_head.weight[channels] = 0
    net.m_head.weight[channels, channels, 1, 1] = 1
    # The carried channels reach the tail through the outermost skip alone.
    net.m_up1.get_parameter("0.weight").mul_(0.1)
    net.m_tail.weight *= 0.1
    net.m_tail.weight[:, channels] = 0
    net.m_tail.weight[channels, channels, 1, 1] = 1
