"""What the README shows is run: its commands, its flags, its links, and the method that it teaches."""

from __future__ import annotations

import dataclasses
import re
import shlex
import subprocess
import sys
import types
from pathlib import Path

import pytest
import torch
import weight_files

from mystyle.networks.stylegan2 import Discriminator, Generator
from mystyle.protocols import Method, Prior, Restores
from mystyle.types import Portraits

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```", README, flags=re.M | re.S)
COMMANDS = [
    shlex.split(line, comments=True)
    for language, block in BLOCKS
    if not language
    for line in block.splitlines()
    if line.startswith(("make ", "python "))
]


def test_the_two_commands_come_first():
    assert COMMANDS[:2] == [["make", "inpainting"], ["make", "test"]]


@pytest.mark.parametrize("target", [command[1] for command in COMMANDS if command[0] == "make"])
def test_make_targets_exist_and_install_only_once(target, tmp_path):
    def plan() -> str:
        done = subprocess.run(
            ["make", "-n", target, f"VENV={tmp_path}"], cwd=ROOT, capture_output=True, text=True, timeout=30
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert "pip install" in plan()
    for stamp in (".installed", ".installed-test"):
        (tmp_path / stamp).touch()
    assert "pip install" not in plan()


@pytest.mark.parametrize("command", [command for command in COMMANDS if command[0] == "python"], ids=" ".join)
def test_modules_exist_and_know_every_flag(command):
    module = command[command.index("-m") + 1]
    verb = command[3:4] if module == "mystyle" else []
    done = subprocess.run(
        [sys.executable, "-m", module, *verb, "--help"], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    flags = {word for word in command[3:] if word.startswith("--")}
    assert flags <= set(re.findall(r"--\w+", done.stdout))


def test_flags_named_in_the_text_exist():
    known: set[str] = set()
    for command in (["benchmarks.run"], ["mystyle", "tune"]):
        done = subprocess.run(
            [sys.executable, "-m", *command, "--help"], cwd=ROOT, capture_output=True, text=True, timeout=60
        )
        known |= set(re.findall(r"--\w+", done.stdout))
    assert set(re.findall(r"`(--\w+)", README)) <= known


@pytest.mark.parametrize("link", re.findall(r"\]\(([^)#]+)[^)]*\)", README))
def test_links_lead_to_files_of_the_repository(link):
    assert (ROOT / link).is_file()


def test_the_first_example_loads_an_official_file(tmp_path, monkeypatch):
    content = weight_files.nvidia_pickle(
        weight_files.nvidia_module(Generator(32, 8, 16, channel_base=256, channel_max=8, mapping_layers=2)),
        weight_files.nvidia_module(Discriminator(32, channel_base=256, channel_max=8)),
    )
    weight_files.write(tmp_path / "ffhq.pkl", weight_files.dumps(content))
    monkeypatch.chdir(tmp_path)
    _, source, _ = [block for language, block in BLOCKS if language == "python"]
    names = {}
    exec(compile(source, "README.md", "exec"), names)
    assert names["images"].shape == (1, 3, 32, 32)


def test_the_second_example_is_a_method_that_fills_the_hole_with_the_mean_colour(tmp_path):
    *_, source = [block for language, block in BLOCKS if language == "python"]
    module = types.ModuleType("mean_colour")
    sys.modules[module.__name__] = module  # where dataclasses look up the annotations
    try:
        exec(compile(source, "README.md", "exec"), module.__dict__)
    finally:
        del sys.modules[module.__name__]
    method = module.METHOD
    assert isinstance(method, Method)
    assert set(method.presets) == {"smoke", "quick", "full", "paper"}
    assert all(dataclasses.is_dataclass(s) and hasattr(s, "fit") for s in method.presets.values())
    images = torch.rand(3, 3, 4, 4, generator=torch.Generator().manual_seed(0)) * 2 - 1
    person = Portraits("p01", images, ("a", "b", "c"), ("1", "2", "3"))
    settings = method.presets["smoke"]
    prior = method.fit(person, None, seed=0, settings=settings)
    prior.save(tmp_path)
    for fitted in (prior, method.load(tmp_path, person, None, settings=settings)):
        assert isinstance(fitted, Prior)
        assert isinstance(fitted, Restores)
        output = fitted.restore(torch.zeros(2, 3, 4, 4), None, seeds=(0, 1))
        assert output.shape == (2, 3, 4, 4)
        # a mean over 48 float32 values in another order: a few units in the last place
        assert torch.allclose(output[1, :, 0, 0], images.transpose(0, 1).flatten(1).mean(dim=1), atol=1e-6)
