"""Which network of a file is meant, and which reader understands it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mystyle.checkpoints import nvidia, rosinality, tensorflow
from mystyle.checkpoints.containers import Content
from mystyle.checkpoints.inert import Module, Stored
from mystyle.checkpoints.weights import CheckpointError, NetworkName, Weights, few

NETWORK_OF_KEY: dict[str, NetworkName] = {"g_ema": "Generator", "g": "Generator", "d": "Discriminator"}
# in this order they are taken if no key is given


@dataclass(frozen=True)
class Found:
    """One network of a file: a tree of modules, a TensorFlow network, or a state dict; and what belongs to it."""

    value: Any
    network: NetworkName | None = None
    latent_avg: Any = None
    encoder: bool = False  # the network is the decoder in an encoder's checkpoint


def read(content: Content, network: NetworkName | None, key: str | None, size: int) -> Weights:
    """The weights of ``network`` (None: the generator if there is one) under ``key`` in a file of ``size`` bytes."""
    found = choose(content.value, network, key)
    weights = understand(found, content, size)
    expected = network or found.network or weights.network
    if weights.network != expected:
        raise CheckpointError(f"holds {weights.network}, expected {expected}")
    return weights


def choose(value: Any, network: NetworkName | None, key: str | None) -> Found:
    """The entry of ``value`` that is asked for."""
    if isinstance(value, tuple | list) and len(value) == 3 and all(map(tensorflow.is_network, value)):
        value = dict(zip(("G", "D", "G_ema"), value, strict=True))
    if isinstance(value, dict) and (entries := networks(value)):
        name = choose_key(list(entries), network, key)
        return Found(entries[name], NETWORK_OF_KEY[name.lower()], value.get("latent_avg"))
    if key is not None:
        raise CheckpointError(f"has no {key}: it holds no networks under keys")
    if isinstance(value, dict) and isinstance(inner := value.get("state_dict"), dict):
        decoder = {name.removeprefix("decoder."): t for name, t in inner.items() if str(name).startswith("decoder.")}
        return Found(decoder or inner, None, value.get("latent_avg"), bool(decoder))
    if isinstance(value, dict):
        return Found(value, None, value.get("latent_avg"))
    return Found(value)


def networks(value: dict[Any, Any]) -> dict[str, Any]:
    """The networks that a file has under its customary keys."""
    return {
        key: part
        for key, part in value.items()
        if isinstance(key, str)
        and key.lower() in NETWORK_OF_KEY
        and (isinstance(part, dict | Module) or tensorflow.is_network(part))
    }


def choose_key(keys: list[str], network: NetworkName | None, key: str | None) -> str:
    """That of ``keys`` which is ``key`` in either spelling, or the first that has the network."""
    spelled = {name.lower(): name for name in keys}
    wanted = [key.lower()] if key is not None else list(NETWORK_OF_KEY)
    for name in wanted:
        if name in spelled and network in (None, NETWORK_OF_KEY[name]):
            return spelled[name]
    raise CheckpointError(f"has no {key or network} that is a {network or 'network'}; there are: {few(keys)}")


def understand(found: Found, content: Content, size: int) -> Weights:
    """What the reader of its kind makes of it."""
    if isinstance(found.value, Module):
        return nvidia.read_module(found.value, content.container == "torch", size)
    if tensorflow.is_network(found.value):
        return tensorflow.read(found.value, found.network or "Generator", size)
    names = state_dict(found.value)
    if "synthesis.b4.const" in names or "b4.conv.weight" in names:
        return nvidia.read_names(names, size)
    label = "pSp/e4e checkpoint" if found.encoder else "rosinality checkpoint"
    if "input.input" in names:
        return rosinality.read_generator(names, found.latent_avg, label, size)
    if "final_conv.0.weight" in names:
        return rosinality.read_discriminator(names, label, size)
    raise CheckpointError(f"holds no StyleGAN2 network; its tensors are {few(names) or 'none'}")


def state_dict(value: Any) -> dict[str, Stored]:
    """The tensors of a state dict, without the prefix of torch's DataParallel."""
    if not isinstance(value, dict):
        raise CheckpointError(f"holds a {type(value).__name__}, not a network")
    names = {name: t for name, t in value.items() if isinstance(t, Stored) and isinstance(name, str)}
    names.pop("latent_avg", None)
    if names and all(name.startswith("module.") for name in names):
        return {name.removeprefix("module."): t for name, t in names.items()}
    return names
