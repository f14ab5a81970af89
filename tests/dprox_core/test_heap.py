"""Transforms of large images take no new pages from the system."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

COUNT = """
import resource
import torch
import dprox_core
spectrum = torch.fft.rfft2(torch.randn(1536, 1536))
out = torch.empty(1536, 1536)
def taken():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for turn in range(5):
    before = taken()
    torch.fft.irfft2(spectrum, s=(1536, 1536), out=out)
print(taken() - before, out.numel() * 4 // resource.getpagesize())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library's allocator")
def test_transforms_take_no_new_memory_again_and_again() -> None:
    done = subprocess.run([sys.executable, "-c", COUNT], capture_output=True, text=True, check=True)
    taken, pages = (int(word) for word in done.stdout.split())
    assert taken < pages / 4
