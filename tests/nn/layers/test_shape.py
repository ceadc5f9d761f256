from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    "make",
    [
        lambda nn: nn.Flatten(),
        lambda nn: nn.PixelShuffle(2),
        lambda nn: nn.PixelUnshuffle(2),
        lambda nn: nn.ZeroPad2d((1, 0, 2, 1)),
        lambda nn: nn.ZeroPad2d(1),
        lambda nn: nn.Flatten(0, 1),
        lambda nn: nn.Unflatten(1, (2, 2)),
        lambda nn: nn.Upsample(scale_factor=2),
        lambda nn: nn.Upsample(size=(7, 3)),
        lambda nn: nn.Upsample(scale_factor=2, mode="bilinear"),
        lambda nn: nn.Upsample(scale_factor=(1.5, 2), mode="bilinear", align_corners=True),
    ],
)
def test_as_in_pytorch(beside, rng, make):
    beside(make, rng.standard_normal((2, 4, 4, 6)))
