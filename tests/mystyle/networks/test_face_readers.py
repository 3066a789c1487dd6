"""Attributes of faces: the geometry of yaw on known heads, mirror images, a painted bar of glasses."""

import pytest
import torch

from mystyle.chips import PORTRAIT
from mystyle.networks.face_api import EXPRESSIONS, AgeGender, FaceExpressions, FaceLandmarks
from mystyle.networks.face_readers import (
    ATTRIBUTES,
    MIRROR,
    NOSE,
    PortraitReader,
    five_of,
    glasses,
    smile,
    yaw_of_points,
)

ANGLES = torch.tensor([-50.0, -20.0, 0.0, 10.0, 35.0])


def head(yaw, pitch=0.0, roll=0.0, scale=1.0, place=(0.0, 0.0)):
    """Five points [n, 5, 2] of a head whose nose is as deep as ``NOSE`` says, seen from far away."""
    depth = 1 / NOSE
    points = torch.tensor([[-0.5, 0, 0], [0.5, 0, 0], [0, 0.55, depth], [-0.4, 1.1, 0], [0.4, 1.1, 0]])
    a, b, c = (torch.deg2rad(torch.as_tensor(x)) for x in (yaw, pitch, roll))
    x = points[:, 0] * a.cos()[:, None] + points[:, 2] * a.sin()[:, None]
    z = points[:, 2] * a.cos()[:, None] - points[:, 0] * a.sin()[:, None]
    y = points[:, 1] * b.cos() - z * b.sin()
    flat = torch.stack([x * c.cos() - y * c.sin(), x * c.sin() + y * c.cos()], dim=2)
    return flat * scale + torch.tensor(place)


def test_yaw_of_a_known_head():
    assert torch.allclose(yaw_of_points(head(ANGLES)), ANGLES, atol=1e-3)  # float32


def test_yaw_does_not_see_tilt_size_and_place():
    found = yaw_of_points(head(ANGLES, roll=25.0, scale=300.0, place=(40.0, -7.0)))
    # the face's own horizontal is that of FFHQ's crop, which a turned head's eyes and mouth keep
    assert torch.allclose(found, ANGLES, atol=1e-2)


def test_yaw_hardly_sees_a_nod():
    assert (yaw_of_points(head(ANGLES, pitch=15.0)) - ANGLES).abs().max() < 5


def test_yaw_is_positive_to_the_viewers_right():
    """The nose of a face that looks to the right of the picture is right of its middle."""
    points = torch.tensor([PORTRAIT])
    points[0, 2, 0] += 0.05
    assert yaw_of_points(points).item() > 10


def test_yaw_of_a_mirror_image():
    points = head(ANGLES)
    mirrored = (points * torch.tensor([-1.0, 1.0]))[:, [1, 0, 2, 4, 3]]
    assert torch.allclose(yaw_of_points(mirrored), -ANGLES, atol=1e-3)


def test_mirror_is_its_own_inverse_and_keeps_the_middle():
    assert [MIRROR[i] for i in MIRROR] == list(range(68))
    middle = {8, 27, 28, 29, 30, 33, 51, 57, 62, 66}
    assert {i for i in range(68) if MIRROR[i] == i} == middle


def test_five_of_68():
    points = torch.zeros(1, 68, 2)
    points[0, 36:42] = torch.tensor([1.0, 2.0])
    points[0, 42:48] = torch.tensor([3.0, 2.0])
    for i, value in ((30, 4.0), (48, 5.0), (54, 6.0)):
        points[0, i] = value
    assert torch.equal(five_of(points)[0, :, 0], torch.tensor([1.0, 3.0, 4.0, 5.0, 6.0]))
    with pytest.raises(ValueError, match="68"):
        five_of(points[:, :60])


def test_smile_is_a_softened_probability():
    scores = torch.randn(4, 7, generator=torch.manual_seed(0)) * 10
    probability = scores.double().softmax(dim=1)[:, EXPRESSIONS.index("happy")]
    assert torch.allclose(torch.logit(smile(scores).double()), torch.logit(probability) / 8, atol=1e-4)
    assert torch.equal(smile(scores + 5).argsort(), smile(scores).argsort())


def portrait_with_bar(width, light=0.6, size=256):
    """A grey portrait with a dark bar of some height (px of 256) across the bridge of the nose."""
    image = torch.full((1, 3, 256, 256), light)
    image[..., 122 : 122 + width, 60:200] = -0.8
    return torch.nn.functional.interpolate(image, (size, size), mode="area")


def bridge():
    """68 points, of which the inner corners of the eyes count."""
    points = torch.full((1, 68, 2), 0.5)
    points[0, 39], points[0, 42] = torch.tensor([0.44, 0.4735]), torch.tensor([0.56, 0.4735])
    return points


def test_glasses_are_a_narrow_dark_bar():
    assert glasses(portrait_with_bar(0), bridge()).item() < 0.1
    assert glasses(portrait_with_bar(2), bridge()).item() > 0.9
    assert glasses(portrait_with_bar(60), bridge()).item() < 0.1  # a shadow


def test_glasses_do_not_depend_on_the_resolution():
    assert glasses(portrait_with_bar(2, size=512), bridge()).item() > 0.9


@pytest.fixture(scope="module")
def networks():
    torch.manual_seed(0)
    return FaceLandmarks(width=4).eval(), FaceExpressions(width=4).eval(), AgeGender(width=4).eval()


MOMENTS = {"yaw": (0.0, 10.0), "smile": (0.5, 0.3), "age": (40.0, 15.0), "glasses": (0.2, 0.3)}


def test_a_mirrored_portrait_has_the_opposite_yaw_and_the_same_rest(networks):
    reader = PortraitReader(*networks, MOMENTS)
    images = torch.rand(3, 3, 128, 128, generator=torch.manual_seed(1)) * 2 - 1
    with torch.no_grad():
        found, mirrored = reader.attributes(images), reader.attributes(images.flip(3))
        points, others = reader.points(images), reader.points(images.flip(3))
    assert tuple(found) == ATTRIBUTES and found["age"].shape == (3,)
    # float32: the rows of a chip's weights are mirror images to rounding; yaw and age are in degrees and years
    for name, sign in (("yaw", -1), ("smile", 1), ("age", 1), ("glasses", 1)):
        assert torch.allclose(mirrored[name], sign * found[name], rtol=1e-3, atol=1e-2), name
    assert torch.allclose(others[:, MIRROR], points * torch.tensor([-1.0, 1.0]) + torch.tensor([1.0, 0.0]), atol=1e-5)


def test_only_what_has_moments_is_read(networks):
    reader = PortraitReader(*networks, {"age": (40.0, 15.0), "smile": (0.5, 0.3)})
    images = torch.rand(33, 3, 32, 32) * 2 - 1
    with torch.no_grad():
        found = reader.attributes(images)
        alone = reader.attributes(images[32:])
    assert tuple(found) == ("age", "smile") and reader.moments["age"] == (40.0, 15.0)
    assert torch.allclose(found["age"][32:], alone["age"], atol=1e-4)  # float32 sums in another order
    with pytest.raises(ValueError, match="not beard"):
        PortraitReader(*networks, {"beard": (0.0, 1.0)})


def test_gradients_reach_the_portrait(networks):
    reader = PortraitReader(*networks, MOMENTS)
    images = torch.rand(1, 3, 64, 64, requires_grad=True)
    for values in reader.attributes(images).values():
        (gradient,) = torch.autograd.grad(values.sum(), images, retain_graph=True)
        assert gradient.isfinite().all() and gradient.abs().sum() > 0
