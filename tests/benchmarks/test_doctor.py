"""The doctor: every line has a state, a problem says the way out, and nothing that is missing makes it fall over."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from collections import namedtuple
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import save_file

from benchmarks import doctor
from benchmarks.doctor import MISSING, OK, PROBLEM, Asked, Line, main
from datasets.folders import sha256
from datasets.synthetic.people import VERSION
from mystyle.domains.domain import RESOLUTIONS

ROOT = Path(__file__).resolve().parents[2]


def lines(check, asked: Asked | None = None) -> Mapping[str, Line]:
    return {line.name: line for line in check(asked or Asked())}


def only(monkeypatch, *checks) -> None:
    """Leaves these checks and no other."""
    monkeypatch.setattr(doctor, "SECTIONS", {"Some": checks})


def test_this_machine_can_run_the_main_command(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    assert main([]) == 0
    out = capsys.readouterr().out
    assert out.endswith("ready: python -m benchmarks.run --suite inpainting\n")
    rows = [line for line in out.splitlines() if line.startswith("  ")]
    assert {row.split()[0] for row in rows} <= {OK, MISSING}
    words = ("jsonargparse", "processor", "generator", "comodgan", "people, quick", "W&B login", "git", "inpainting, s")
    for word in words:
        assert any(f"  {word}" in row for row in rows), word


def test_help_needs_no_package(tmp_path):
    (tmp_path / "numpy.py").write_text("raise ImportError")
    (tmp_path / "torch.py").write_text("raise ImportError")
    command = [sys.executable, "-m", "benchmarks.doctor", "--help"]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(tmp_path)}, capture_output=True)
    assert done.returncode == 0 and b"--photos" in done.stdout


def test_with_hardly_a_package_and_the_wrong_datasets_it_still_tells(tmp_path):
    for name in ("numpy", "torch", "torchvision", "jsonargparse", "safetensors", "packaging"):
        (tmp_path / f"{name}.py").write_text("raise ImportError('gone')")
    (tmp_path / "datasets").mkdir()
    (tmp_path / "datasets" / "__init__.py").touch()
    paths = os.environ | {"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    command = [sys.executable, "-m", "benchmarks.doctor"]
    done = subprocess.run(command, cwd=tmp_path, env=paths, capture_output=True, text=True)
    assert done.returncode == 1 and done.stderr == ""
    assert f"another package of that name is found ({tmp_path / 'datasets'})" in done.stdout
    assert all(section in done.stdout for section in doctor.SECTIONS)
    assert "install both from the same index" in done.stdout and "GPU  " in done.stdout


# Packages


def test_a_missing_package_is_a_problem_unless_the_main_command_goes_without(monkeypatch, capsys):
    version = metadata.version

    def without(*absent):
        def look(name):
            if name in absent:
                raise metadata.PackageNotFoundError(name)
            return version(name)

        monkeypatch.setattr(doctor.metadata, "version", look)

    without("wandb", "cvxpy", "ray")
    only(monkeypatch, doctor.python)
    found = lines(doctor.python)
    assert {name for name, line in found.items() if line.state != OK} == {"wandb", "cvxpy", "ray"}
    assert found["cvxpy"].state == MISSING and "official code" in found["cvxpy"].detail
    assert main([]) == 0
    without("scipy")
    assert lines(doctor.python)["scipy"] == Line("scipy", PROBLEM, 'not installed; python -m pip install "scipy"')
    assert main([]) == 1
    assert "1 problem before this can run: python -m benchmarks.run" in capsys.readouterr().out


def test_a_version_that_does_not_satisfy_the_requirement(monkeypatch):
    monkeypatch.setattr(doctor.metadata, "version", lambda name: "2.7.1")
    found = lines(doctor.python)
    assert found["torch"].state == PROBLEM and found["torch"].detail.startswith("2.7.1 is not >=2.8;")
    assert found["facenet-pytorch"].state == PROBLEM and found["numpy"].state == OK


def test_an_old_python(monkeypatch):
    monkeypatch.setattr(doctor, "PYTHON", (99, 0))
    assert lines(doctor.python)["Python"].state == PROBLEM


def test_the_extra_bench_is_required_and_those_of_developers_are_not_looked_at():
    extras = dict(doctor.requirements())
    assert extras["torch>=2.8"] == extras["jinja2"] == "" and extras["ray"] == "ray"
    assert "pytest" not in extras and "ruff" not in extras


def test_torch_and_torchvision_of_different_builds(monkeypatch):
    assert lines(doctor.imports)["torch, torchvision"].state == OK
    load = importlib.import_module

    def broken(name):
        if name == "torchvision":
            raise RuntimeError("operator torchvision::nms does not exist\nand more")
        return load(name)

    monkeypatch.setattr(doctor.importlib, "import_module", broken)
    line = lines(doctor.imports)["torch, torchvision"]
    assert line.state == PROBLEM and "RuntimeError: operator torchvision::nms does not exist" in line.detail
    assert line.detail.endswith("python -m pip install --force-reinstall torch torchvision")
    assert metadata.version("torchvision") in line.detail and "and more" not in line.detail


@pytest.mark.parametrize("spec", [None, SimpleNamespace(origin="/lib/site-packages/datasets/__init__.py")])
def test_a_datasets_that_is_not_ours(monkeypatch, spec):
    assert lines(doctor.imports)["package datasets"].state == OK
    monkeypatch.setattr(doctor.importlib.util, "find_spec", lambda name: spec)
    line = lines(doctor.imports)["package datasets"]
    assert line.state == PROBLEM and "environment of its own" in line.detail


# Machine


def test_gpus(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert {line.name: line for line in doctor.gpus()}["GPU"].state == MISSING
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda i: "A card")
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda i: SimpleNamespace(total_memory=24e9))
    assert {line.name: line for line in doctor.gpus()}["GPU 0"] == Line("GPU 0", OK, "A card, 24.0 GB, bfloat16")


def test_too_little_memory_or_disk(monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(doctor, "physical_memory", lambda: 10**9)
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda place: usage(10, 9, 1))
    found = lines(doctor.machine)
    assert found["memory"].state == found["disk"].state == PROBLEM
    assert found["disk"].detail.endswith("choose another folder by --out")


# The domain


@pytest.fixture
def networks(tmp_path, monkeypatch):
    """A domain of one small file, whose hash is listed."""
    path = tmp_path / "generator.safetensors"
    save_file({"w": torch.zeros(4)}, path, {"network": "Generator", "config": "{}"})
    (tmp_path / "SHA256SUMS").write_text(f"{sha256(path)}  {path.name}\n")
    monkeypatch.setattr(doctor, "domain_weights", lambda domain: {"generator": path})
    return path


def test_weights_present_damaged_missing(networks):
    found = lines(doctor.weights)
    assert found["generator"].state == OK and "SHA-256 as in SHA256SUMS" in found["generator"].detail
    assert found["directions"].state == MISSING
    networks.write_bytes(networks.read_bytes()[:-1] + b"\1")
    damaged = lines(doctor.weights)["generator"]
    assert damaged.state == PROBLEM and "SHA-256" in damaged.detail and "fresh clone" in damaged.detail
    networks.unlink()
    assert "is missing; restore it" in lines(doctor.weights)["generator"].detail


def test_rivals_networks_that_are_not_there(networks):
    found = lines(doctor.rivals)
    assert found["comodgan and comodgan_ft"].state == PROBLEM  # rows of the main suite
    assert found["gpen and gpen_ft"].state == MISSING
    for line in found.values():
        assert "python -m baselines.common.pretrain" in line.detail and "minutes" in line.detail


def test_a_domain_that_is_not_here_yet(monkeypatch, capsys):
    monkeypatch.setattr(doctor, "RESOLUTIONS", {"synthetic": 128})
    asked = Asked("ffhq")
    found = lines(doctor.weights, asked)
    assert found["ffhq"].state == PROBLEM and "not implemented yet; use --domain synthetic" in found["ffhq"].detail
    assert "1024 x 1024" in found["generator"].detail and "mystyle.checkpoints" in found["generator"].detail
    assert lines(doctor.rivals, asked) == {} and lines(doctor.people, asked)["people"].state == MISSING
    only(monkeypatch, doctor.weights, doctor.rivals, doctor.people)
    assert main(["--domain", "ffhq"]) == 1
    assert "--suite inpainting --domain ffhq" in capsys.readouterr().out


# People


def test_people_who_are_yet_to_be_drawn(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = lines(doctor.people)
    assert found["people, quick"].state == MISSING and "3 of 3 will be drawn" in found["people, quick"].detail
    assert list(found) == ["people, smoke", "people, quick", "people, full"]


def test_drawn_photos_that_are_damaged(tmp_path, monkeypatch, draw_person):
    monkeypatch.chdir(tmp_path)
    draw_person(tmp_path / f"data/synthetic-{RESOLUTIONS['synthetic']}-v{VERSION}", "p03")  # too small
    line = lines(doctor.people)["p03"]
    assert line.state == PROBLEM and "8 problems in all" in line.detail and line.detail.endswith("it is drawn again")


def test_photos_of_a_folder(people_root, tmp_path, monkeypatch, capsys):
    only(monkeypatch, doctor.people)
    monkeypatch.setattr(doctor, "RESOLUTIONS", {"synthetic": 32})
    assert main(["--photos", str(people_root)]) == 0
    out = capsys.readouterr().out
    assert "ok       alice   5 train, 3 test" in out and "people  2 in " in out
    assert f"--suite inpainting --photos {people_root}" in out
    monkeypatch.setattr(doctor, "RESOLUTIONS", {"synthetic": 64})
    assert main(["--photos", str(people_root)]) == 1
    out = capsys.readouterr().out
    assert "32x32 pixels, this domain needs 64x64" in out and "3 more; mend these first" in out


def test_unusable_arguments(tmp_path, capsys):
    (tmp_path / "alice" / "train").mkdir(parents=True)
    for arguments in (["--domain", "celeba"], ["--photos", "nowhere"], ["--photos", str(tmp_path)], ["more"]):
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert ended.value.code == 2
    assert "a person is a folder with train/ and test/ inside" in capsys.readouterr().err


# Records


def test_login(tmp_path, monkeypatch):
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    monkeypatch.delenv("WANDB_BASE_URL", raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    assert lines(doctor.tracking)["W&B login"].state == MISSING
    (tmp_path / "netrc").write_text("machine api.wandb.ai\n  login user\n  password not-a-key\n")
    assert lines(doctor.tracking)["W&B login"] == Line("W&B login", OK, "for api.wandb.ai")
    monkeypatch.setenv("WANDB_BASE_URL", "https://wandb.example.org/")
    assert lines(doctor.tracking)["W&B login"].state == MISSING
    monkeypatch.setenv("WANDB_API_KEY", "not-a-key")
    assert lines(doctor.tracking)["W&B login"].state == OK


def test_without_git(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert lines(doctor.code)["git"].state == MISSING


def test_a_check_that_falls_over_is_a_problem_and_the_others_go_on(monkeypatch):
    def halfway(asked):
        yield Line("first", OK, "")
        raise OSError("no such thing")

    only(monkeypatch, halfway, doctor.code)
    ((_, found),) = doctor.examine(Asked())
    assert [line.state for line in found] == [OK, PROBLEM, OK]
    assert "OSError: no such thing" in found[1].detail and found[1].name == "halfway"
