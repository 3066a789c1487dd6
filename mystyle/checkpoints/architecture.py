"""Infers the architecture from tensors under the names of ``networks.stylegan2``, with every check of their shapes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Set
from typing import Any

import torch
from torch import Tensor

from mystyle.checkpoints.inert import Stored
from mystyle.checkpoints.weights import CheckpointError, NetworkName, Shape, Weights, few, unsupported
from mystyle.networks import stylegan2

OFFICIAL_BASES = (32768, 16384)  # channel_base of the published networks, first the default
OFFICIAL_MAXIMUM = 512
MAX_RESOLUTION = 4096
W_AVG = "mapping.w_avg"
W_AVG_SAMPLES = 10_000
MAX_TENSORS = 10_000  # a 1024 px generator has about 200; each costs memory of its own, however small it is
MAX_MAPPING_LAYERS = 64  # official ones have 8
MAX_CODE = 4096  # numbers of a z or w from which W_AVG_SAMPLES are computed; official ones have 512


def widen(
    stored: Mapping[str, Stored], size: int, notes: list[str], filters: str = "", gain: float = 1
) -> dict[str, Tensor]:
    """Float32 tensors with memory of their own, out of a file of ``size`` bytes. Adds to ``notes``.

    Those whose names end in ``filters`` are left out: the low-pass filters, which the networks have built in.
    Raises CheckpointError if the tensors would be more than the file can hold, or are no floats, or if a filter is
    another than [1, 3, 3, 1] with this ``gain``.
    """
    if len(stored) > MAX_TENSORS:
        raise CheckpointError(f"has {len(stored):,} tensors, more than any network that is known")
    if sum(value.nbytes for value in stored.values()) > size:
        raise CheckpointError("its tensors have more bytes than the file")
    if narrow := {str(value.storage.dtype).removeprefix("torch.") for value in stored.values()} - {"float32"}:
        notes.append(f"stored as {few(narrow)}, in whole or in part; read as float32")
    tensors = {}
    for name, value in stored.items():
        try:
            tensors[name] = value.tensor().float()
        except CheckpointError as error:
            raise CheckpointError(f"{error} ({name[:80]})") from error
        if filters and name.endswith(filters):
            require_filter(name, tensors.pop(name), gain)
    return tensors


def complete(
    format: str, network: NetworkName, tensors: dict[str, Tensor], settings: Mapping[str, Any], notes: list[str]
) -> Weights:
    """Checks float tensors under NVIDIA's names, and infers from their shapes what ``settings`` lacks.

    Raises CheckpointError if they are not the state dict of a supported network, or contradict ``settings``.
    """
    require_sensible(settings)
    shapes = {name: tuple(value.shape) for name, value in tensors.items()}
    config = (generator_config if network == "Generator" else discriminator_config)(shapes, settings)
    expected = expected_shapes(network, config)
    missing = replaceable(expected.keys() - shapes.keys(), expected)
    require_same(shapes | {name: expected[name] for name in missing}, expected)
    if noises := missing - {W_AVG}:
        tensors = tensors | {name: torch.zeros(expected[name]) for name in noises}
        notes = [*notes, 'noise buffers missing: zeros are taken, so that noise "const" adds none']
    if W_AVG in missing:
        tensors = tensors | {W_AVG: estimate_w_avg(tensors, config)}
        if config["mapping_layers"]:
            notes = [*notes, f"w_avg missing: estimated from {W_AVG_SAMPLES:,} samples"]
    if broken := non_finite(tensors):
        notes = [*notes, f"not finite: {few(broken)}"]
    return Weights(format, network, config, tensors, tuple(notes))


MAX_CLAMP = 1e30  # what float32 can hold


def require_sensible(settings: Mapping[str, Any]) -> None:
    """Refuses values that no official file has; what is not in ``settings`` has its default."""
    clamp = settings.get("conv_clamp")
    if clamp is not None and not (type(clamp) in (int, float) and 0 < clamp < MAX_CLAMP):
        raise unsupported("conv_clamp", clamp, "a positive number or None")
    half = settings.get("num_fp16_res", 0)
    if type(half) is not int or not 0 <= half < MAX_RESOLUTION.bit_length():
        raise unsupported("num_fp16_res", half, "the number of some resolutions")
    group = settings.get("mbstd_group", 4)
    if group is not None and (type(group) is not int or group < 1):
        raise unsupported("mbstd_group_size", group, "a positive number or None")
    for key in ("channel_base", "channel_max"):
        if type(settings.get(key, 1)) is not int:
            raise unsupported(key, settings[key], "a whole number")


def replaceable(missing: Set[str], expected: Mapping[str, Shape]) -> set[str]:
    """Those of the missing tensors that a generator can do without: w_avg, and the noise buffers if it has none."""
    noises = {name for name in expected if name.endswith(".noise_const")}
    return {W_AVG}.intersection(missing) | (noises if noises <= missing else set())


def non_finite(tensors: Mapping[str, Tensor]) -> list[str]:
    """Names of the tensors with a NaN or an infinity."""
    return [name for name, value in tensors.items() if not value.isfinite().all()]


def require_finite(weights: Weights) -> None:
    if broken := non_finite(weights.tensors):
        raise CheckpointError(f"has NaN or infinite weights, so its training had failed: {few(broken)}")


def expected_shapes(network: NetworkName, config: Mapping[str, Any]) -> dict[str, Shape]:
    """Names and shapes of the state dict, without allocating it."""
    with torch.device("meta"):
        return {name: tuple(t.shape) for name, t in getattr(stylegan2, network)(**config).state_dict().items()}


def require_same(found: Mapping[str, Shape], expected: Mapping[str, Shape]) -> None:
    if missing := expected.keys() - found.keys():
        raise CheckpointError(f"lacks {few(missing)}")
    if unknown := found.keys() - expected.keys():
        raise CheckpointError(f"has {few(unknown)}, which such a network does not have")
    for name, shape in expected.items():
        if found[name] != shape:
            raise CheckpointError(f"{name} has shape {list(found[name])}, expected {list(shape)}")


def require_filter(name: str, tensor: Tensor, gain: float) -> None:
    expected = stylegan2.fir_kernel() * gain
    if tensor.shape != expected.shape or not torch.allclose(tensor, expected, atol=1e-6):
        raise unsupported(f"resample_filter ({name[:80]})", tensor, "[1, 3, 3, 1]")


def noise_layer(index: int) -> tuple[int, str]:
    """Resolution and layer of the noise buffer of this number, by rosinality's and TensorFlow's count."""
    return (4, "conv1") if index == 0 else (2 ** ((index + 5) // 2), "conv0" if index % 2 else "conv1")


def dimensions(shapes: Mapping[str, Shape], name: str, ndim: int) -> Shape:
    if name not in shapes:
        raise CheckpointError(f"lacks {name}")
    if len(shapes[name]) != ndim:
        raise CheckpointError(f"{name} has shape {list(shapes[name])}, expected {ndim} dimensions")
    return shapes[name]


def block_resolutions(shapes: Mapping[str, Shape], prefix: str) -> list[int]:
    """[4, 8, ..., R] from the names of the blocks."""
    blocks = {int(m[1]) for name in shapes if (m := re.match(rf"{prefix}b(\d{{1,9}})\.", name))}
    resolutions = [2**i for i in range(2, max(blocks, default=4).bit_length())]
    if blocks != set(resolutions) or resolutions[-1] > MAX_RESOLUTION:
        sizes = few([str(r) for r in blocks], 12) or "no"
        raise CheckpointError(f"has blocks of {sizes} pixels; only powers of two up to {MAX_RESOLUTION} are supported")
    return resolutions


def generator_config(shapes: Mapping[str, Shape], settings: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a Generator of these shapes; ``settings`` decides what shapes leave open."""
    if any(name.startswith("mapping.embed.") for name in shapes):
        raise unsupported("c_dim", "not 0 (there is a label embedding)", 0)
    resolutions = block_resolutions(shapes, "synthesis.")
    for r in resolutions:
        if f"synthesis.b{r}.skip.weight" in shapes or f"synthesis.b{r}.torgb.weight" not in shapes:
            raise unsupported("architecture", "resnet or orig", "skip")
        if f"synthesis.b{r}.conv1.noise_strength" not in shapes:
            raise unsupported("use_noise", False, True)
    if (colours := dimensions(shapes, "synthesis.b4.torgb.weight", 4)[0]) != 3:
        raise unsupported("img_channels", colours, 3)
    w_dim = dimensions(shapes, "synthesis.b4.conv1.affine.weight", 2)[1]
    alone = settings.get("mapping_layers") == 0  # a synthesis network without its mapping
    features, z_dim = (w_dim, w_dim) if alone else dimensions(shapes, "mapping.fc0.weight", 2)
    layers = sum(bool(re.fullmatch(r"mapping\.fc\d+\.weight", name)) for name in shapes)
    if layers > MAX_MAPPING_LAYERS:
        raise unsupported("num_layers of the mapping", layers, f"up to {MAX_MAPPING_LAYERS}")
    if layers > 1 and features != w_dim:
        raise unsupported("layer_features of the mapping", features, f"w_dim ({w_dim})")
    widths = {r: dimensions(shapes, f"synthesis.b{r}.conv1.weight", 4)[0] for r in resolutions}
    base, maximum = channel_schedule(widths, settings)
    return dict(
        resolution=resolutions[-1],
        z_dim=z_dim,
        w_dim=w_dim,
        channel_base=base,
        channel_max=maximum,
        mapping_layers=layers,
        conv_clamp=settings.get("conv_clamp"),
        num_fp16_res=settings.get("num_fp16_res", 0),
    )


def discriminator_config(shapes: Mapping[str, Shape], settings: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a Discriminator of these shapes; ``settings`` decides what shapes leave open."""
    if any(name.startswith("mapping.") for name in shapes):
        raise unsupported("c_dim", "not 0 (there is a label mapping)", 0)
    resolutions = block_resolutions(shapes, "")
    if sum(name.endswith(".fromrgb.weight") for name in shapes) > 1:
        raise unsupported("architecture", "skip", "resnet")
    if any(f"b{r}.skip.weight" not in shapes for r in resolutions[1:]):
        raise unsupported("architecture", "orig", "resnet")
    width, inner, *_ = dimensions(shapes, "b4.conv.weight", 4)
    if inner - width != 1:
        raise unsupported("mbstd_num_channels", inner - width, 1)
    if (out := dimensions(shapes, "b4.out.weight", 2)[0]) != 1:
        raise unsupported("cmap_dim", out, 0)
    if (colours := dimensions(shapes, f"b{resolutions[-1]}.fromrgb.weight", 4)[1]) != 3:
        raise unsupported("img_channels", colours, 3)
    widths = {4: width} | {r: dimensions(shapes, f"b{r}.conv0.weight", 4)[0] for r in resolutions[1:]}
    base, maximum = channel_schedule(widths, settings)
    return dict(
        resolution=resolutions[-1],
        channel_base=base,
        channel_max=maximum,
        conv_clamp=settings.get("conv_clamp"),
        num_fp16_res=settings.get("num_fp16_res", 0),
        mbstd_group=settings.get("mbstd_group", 4),
    )


def channel_schedule(widths: Mapping[int, int], settings: Mapping[str, Any]) -> tuple[int, int]:
    """Base and maximum with C(r) = min(base // r, maximum) for every r.

    Several may fit: ``settings`` decides, then the official numbers come before others.
    Raises CheckpointError if none fits.
    """
    smallest = max(width * r for r, width in widths.items())
    bases = [settings["channel_base"]] if "channel_base" in settings else [*OFFICIAL_BASES, smallest]
    maxima = [settings["channel_max"]] if "channel_max" in settings else [OFFICIAL_MAXIMUM, max(widths.values())]
    for base in bases:
        for maximum in maxima:
            if all(width == min(base // r, maximum) for r, width in widths.items()):
                return base, maximum
    shown = ", ".join(f"{width} at {r}" for r, width in widths.items())
    claim = "which the file names" if "channel_base" in settings or "channel_max" in settings else "of any size"
    raise CheckpointError(f"its channels ({shown}) do not follow from channel_base and channel_max {claim}")


@torch.no_grad()
def estimate_w_avg(tensors: Mapping[str, Tensor], config: Mapping[str, Any]) -> Tensor:
    """Mean of W over ``W_AVG_SAMPLES`` codes with a fixed seed, zero where there is no mapping: [w_dim].

    Raises CheckpointError where the codes would take gigabytes: a small file can hold a mapping of one very long side.
    """
    if not config["mapping_layers"]:
        return torch.zeros(config["w_dim"])
    if (largest := max(config["z_dim"], config["w_dim"])) > MAX_CODE:
        raise unsupported("z_dim or w_dim of a file without w_avg", largest, f"up to {MAX_CODE}")
    state = {name.removeprefix("mapping."): t for name, t in tensors.items() if name.startswith("mapping.")}
    with torch.device("meta"):  # nothing to initialise
        mapping = stylegan2.MappingNetwork(config["z_dim"], config["w_dim"], 1, config["mapping_layers"])
    mapping.load_state_dict({**state, "w_avg": torch.zeros(config["w_dim"])}, assign=True)
    z = torch.randn(W_AVG_SAMPLES, config["z_dim"], generator=torch.Generator().manual_seed(0))
    return torch.stack([mapping.w(part).double().mean(0) for part in torch.split(z, 1000)]).mean(0).float()
