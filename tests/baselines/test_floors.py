"""The two floors, against NumPy."""

from __future__ import annotations

import numpy as np
import torch

from baselines.mean_photo import METHOD as MEAN_PHOTO
from baselines.nearest_photo import METHOD as NEAREST_PHOTO
from mystyle.degradations import Inpainting
from mystyle.types import Portraits


def person(n: int = 4) -> Portraits:
    images = torch.rand(n, 3, 6, 6, generator=torch.Generator().manual_seed(0)) * 2 - 1
    names = tuple(f"{i}.png" for i in range(n))
    return Portraits("p", images, names, names)


def left_half_hidden(n: int) -> Inpainting:
    mask = torch.ones(n, 1, 6, 6)
    mask[..., :3] = 0
    return Inpainting(mask)


def fit(method, photos: Portraits):
    return method.fit(photos, domain=None, seed=0, settings=method.presets["quick"])  # a floor needs no domain


def test_mean_photo_is_the_mean():
    photos, phi = person(), left_half_hidden(2)
    output = fit(MEAN_PHOTO, photos).restore(phi(photos.images[:2]), phi, seeds=[0, 1])
    expected = photos.images.numpy().mean(axis=0)
    np.testing.assert_allclose(output, np.stack([expected, expected]), atol=1e-6)  # float32 mean


def test_nearest_photo_looks_at_known_pixels_only():
    photos, phi = person(), left_half_hidden(2)
    query = photos.images[[2, 1]] + 0.01
    query[..., :3] = photos.images[[0, 3]][..., :3]  # the hidden half belongs to somebody else
    output = fit(NEAREST_PHOTO, photos).restore(phi(query), phi, seeds=[0, 1])
    assert torch.equal(output, photos.images[[2, 1]])


def test_nearest_photo_is_the_argmin_of_the_masked_distance():
    photos = person(6)
    mask = (torch.rand(5, 1, 6, 6, generator=torch.Generator().manual_seed(1)) > 0.5).float()
    query = torch.rand(5, 3, 6, 6, generator=torch.Generator().manual_seed(2)) * 2 - 1
    phi = Inpainting(mask)
    output = fit(NEAREST_PHOTO, photos).restore(phi(query), phi, seeds=range(5))
    for x, m, result in zip(query.numpy(), mask.numpy(), output, strict=True):
        distances = [((x - photo) ** 2 * m).sum() for photo in photos.images.numpy()]
        assert torch.equal(result, photos.images[int(np.argmin(distances))])
