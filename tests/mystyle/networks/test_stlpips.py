"""ST-LPIPS against its paper's layers, one by one, from files of the published form."""

import os
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from mystyle.checkpoints import CheckpointError, load_network, save_network
from mystyle.checkpoints.state_dicts import read_stlpips
from mystyle.networks.stlpips import STLPIPS

WIDTHS = (4, 6, 8, 5, 5)
LAYERS = {"net.slice1.0": 11, "net.slice2.5": 5, "net.slice3.9": 3, "net.slice4.11": 3, "net.slice5.13": 3}
BLUR = torch.tensor([[1.0, 2, 1], [2, 4, 2], [1, 2, 1]]) / 16


def published(**changes):
    """Random tensors under the names of the published file."""
    draws = torch.Generator().manual_seed(0)

    def random(*shape):
        return torch.randn(shape, generator=draws)

    state = {
        "scaling_layer.shift": torch.tensor([-0.03, -0.088, -0.188]).view(1, 3, 1, 1),
        "scaling_layer.scale": torch.tensor([0.458, 0.448, 0.45]).view(1, 3, 1, 1),
        "net.slice1.1.filt": BLUR.repeat(WIDTHS[0], 1, 1, 1),
        "net.slice2.4.filt": BLUR.repeat(WIDTHS[0], 1, 1, 1),
        "net.slice3.8.filt": BLUR.repeat(WIDTHS[1], 1, 1, 1),
    }
    for stage, (name, kernel) in enumerate(LAYERS.items()):
        n_in, n_out = (3, *WIDTHS)[stage : stage + 2]
        state[f"{name}.weight"] = random(n_out, n_in, kernel, kernel) / (kernel * n_in**0.5)
        state[f"{name}.bias"] = random(n_out) / 10
        state[f"lin{stage}.model.1.weight"] = random(1, n_out, 1, 1).abs()
    return {**state, **changes}


def written(folder, state):
    path = folder / "alex_shift_tolerant.pth"
    torch.save(state, path, _use_new_zipfile_serialization=False)  # as the published one was
    return {path.name: path}


def oracle(state, a, b):
    """The distance in float64, with every convolution and blur by itself."""
    state = {name: value.double() for name, value in state.items()}

    def blurred(x):
        return F.conv2d(F.pad(x, (2,) * 4, mode="reflect"), BLUR.double().expand(x.shape[1], 1, 3, 3), stride=2,
                        groups=x.shape[1])  # fmt: skip

    def stages(x):
        x = (x.double() - state["scaling_layer.shift"]) / state["scaling_layer.scale"]
        for stage, name in enumerate(LAYERS):
            if stage in (1, 2):
                x = blurred(F.max_pool2d(x, 3, stride=1))
            x = F.conv2d(x, state[f"{name}.weight"], state[f"{name}.bias"], padding=(2, 2, 1, 1, 1)[stage])
            x = (blurred(x) if stage == 0 else x).relu()
            yield x / x.norm(dim=1, keepdim=True).clamp(min=1e-30)

    return sum(
        (state[f"lin{stage}.model.1.weight"] * (x - y) ** 2).sum(1).mean((1, 2))
        for stage, (x, y) in enumerate(zip(stages(a), stages(b), strict=True))
    )


@pytest.fixture(scope="module")
def images():
    generator = torch.Generator().manual_seed(1)
    return torch.rand(2, 3, 3, 36, 36, generator=generator) * 2 - 1


def of_size(distance, size):
    """The same weights for images of another size."""
    other = STLPIPS(size, distance.config["widths"])
    other.load_state_dict(distance.state_dict())
    return other.requires_grad_(False)


def test_the_file_gives_the_distance_of_the_paper(tmp_path, images):
    state = published()
    distance = of_size(read_stlpips(written(tmp_path, state)), 36)
    expected = oracle(state, *images)
    # float32, and one kernel for two filters; borders are exact, else this would be 1e-2
    torch.testing.assert_close(distance(*images).double(), expected, rtol=1e-5, atol=0)


def test_a_converted_file_is_the_same_network(tmp_path, images):
    distance = read_stlpips(written(tmp_path, published()))
    assert distance.config == {"size": 128, "widths": list(WIDTHS)}
    save_network(distance, tmp_path / "perceptual.safetensors")
    again = load_network(STLPIPS, tmp_path / "perceptual.safetensors")
    assert not again.training and not any(p.requires_grad for p in again.parameters())
    assert torch.equal(again(*images), distance(*images))


@pytest.mark.parametrize("size", [32, 36, 50])
def test_every_even_size_is_supported(size):
    assert STLPIPS(size, WIDTHS).network.maps(torch.zeros(1, 3, size, size))[0].shape[-1] == size // 2 - 2


@pytest.mark.parametrize("size", [30, 129])
def test_other_sizes_are_refused(size):
    with pytest.raises(ValueError, match="even and at least 32 px"):
        STLPIPS(size)


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"net.slice2.4.filt": BLUR.repeat(4, 1, 1, 1) * 2}, "another blur"),
        ({"lin3.model.1.weight": -torch.ones(1, 5, 1, 1)}, "negative weights of channels"),
        ({"net.slice1.0.weight": torch.ones(4, 3, 7, 7)}, "first convolution has shape"),
        ({"net.slice5.13.bias": torch.full((5,), torch.nan)}, "NaN or infinite"),
        ({"net.slice5.13.bias": torch.ones(7)}, "does not fit"),
        ({"net.slice6.2.bias": torch.ones(7)}, "this network does not have"),
    ],
)
def test_other_files_are_refused_with_their_name(tmp_path, changes, message):
    with pytest.raises(CheckpointError, match=f"alex_shift_tolerant.pth: .*{message}"):
        read_stlpips(written(tmp_path, published(**changes)))


def test_files_that_lack_something_are_refused(tmp_path):
    state = published()
    del state["lin4.model.1.weight"]
    with pytest.raises(CheckpointError, match=r"lacks lin4\.model\.1\.weight"):
        read_stlpips(written(tmp_path, state))


@pytest.mark.slow
def test_the_published_weights_are_those_of_the_metric():
    path = Path(os.environ.get("MYSTYLE_HOME", "")) / "weights" / "faces" / "perceptual.safetensors"
    if not path.is_file():
        pytest.skip("MYSTYLE_HOME has no weights of faces; python -m mystyle.weights faces brings them")
    distance = load_network(STLPIPS, path)
    rows = torch.linspace(-1, 1, 128)
    a = torch.stack([rows.expand(128, 128), rows.expand(128, 128).T, -rows.expand(128, 128)])[None]
    # measured with the published package on a CPU
    torch.testing.assert_close(distance(a, a.flip(3)), torch.tensor([0.651556]), rtol=1e-4, atol=0)
