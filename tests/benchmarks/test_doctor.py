"""The doctor: every line has a state, a problem says the way out, and nothing that is missing makes it fall over."""

from __future__ import annotations

import copy
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
from benchmarks.doctor import Asked, main
from benchmarks.engine import installation
from benchmarks.engine.findings import MISSING, OK, PROBLEM, Finding
from datasets.folders import sha256
from datasets.synthetic.people import VERSION
from mystyle import domains
from mystyle.domains.synthetic import DOMAIN

ROOT = Path(__file__).resolve().parents[2]


def found_by(check, *arguments) -> Mapping[str, Finding]:
    return {finding.name: finding for finding in check(*arguments)}


def use(monkeypatch, **fields) -> None:
    """Changes what the synthetic domain is."""
    domain = copy.copy(DOMAIN)
    vars(domain).update(fields)
    monkeypatch.setattr(domains, "source", lambda name: domain)


def only(monkeypatch, *checks) -> None:
    """Leaves these checks, functions of ``Asked``, and no other."""
    monkeypatch.setattr(doctor, "sections", lambda asked: {"Some": [check(asked) for check in checks]})


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
    assert all(section in done.stdout for section in doctor.sections(Asked()))
    assert "install both from the same index" in done.stdout and "GPU  " in done.stdout


# Packages


def test_a_missing_package_is_a_problem_unless_the_main_command_goes_without(monkeypatch, capsys):
    version = metadata.version

    def without(*absent):
        def look(name):
            if name in absent:
                raise metadata.PackageNotFoundError(name)
            return version(name)

        monkeypatch.setattr(metadata, "version", look)

    without("wandb", "cvxpy", "ray")
    only(monkeypatch, lambda asked: installation.packages())
    found = found_by(installation.packages)
    assert {name for name, line in found.items() if line.state != OK} == {"wandb", "cvxpy", "ray"}
    assert found["cvxpy"].state == MISSING and "official code" in found["cvxpy"].detail
    assert main([]) == 0
    without("scipy")
    assert found_by(installation.packages)["scipy"] == Finding(
        "scipy", PROBLEM, 'not installed; python -m pip install "scipy"'
    )
    assert main([]) == 1
    assert "1 problem before this can run: python -m benchmarks.run" in capsys.readouterr().out


def test_a_version_that_does_not_satisfy_the_requirement(monkeypatch):
    monkeypatch.setattr(metadata, "version", lambda name: "2.7.1")
    found = found_by(installation.packages)
    assert found["torch"].state == PROBLEM and found["torch"].detail.startswith("2.7.1 is not >=2.8;")
    assert found["facenet-pytorch"].state == PROBLEM and found["numpy"].state == OK


def test_an_old_python(monkeypatch):
    monkeypatch.setattr(installation, "PYTHON", (99, 0))
    assert found_by(installation.packages)["Python"].state == PROBLEM


def test_the_extra_bench_is_required_and_those_of_developers_are_ignored():
    extras = dict(installation.requirements())
    assert extras["torch>=2.8"] == extras["jinja2"] == "" and extras["ray"] == "ray"
    assert "pytest" not in extras and "ruff" not in extras


def test_torch_and_torchvision_of_different_builds(monkeypatch):
    assert found_by(installation.imports)["torch, torchvision"].state == OK
    load = importlib.import_module

    def broken(name):
        if name == "torchvision":
            raise RuntimeError("operator torchvision::nms does not exist\nand more")
        return load(name)

    monkeypatch.setattr(installation.importlib, "import_module", broken)
    line = found_by(installation.imports)["torch, torchvision"]
    assert line.state == PROBLEM and "RuntimeError: operator torchvision::nms does not exist" in line.detail
    assert line.detail.endswith("python -m pip install --force-reinstall torch torchvision")
    assert metadata.version("torchvision") in line.detail and "and more" not in line.detail


@pytest.mark.parametrize("spec", [None, SimpleNamespace(origin="/lib/site-packages/datasets/__init__.py")])
def test_a_datasets_that_is_not_ours(monkeypatch, spec):
    assert found_by(installation.imports)["package datasets"].state == OK
    monkeypatch.setattr(installation.importlib.util, "find_spec", lambda name: spec)
    line = found_by(installation.imports)["package datasets"]
    assert line.state == PROBLEM and "environment of its own" in line.detail


# Machine


def test_gpus(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert found_by(installation.gpus)["GPU"].state == MISSING
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda i: "A card")
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda i: SimpleNamespace(total_memory=24e9))
    assert found_by(installation.gpus)["GPU 0"] == Finding("GPU 0", OK, "A card, 24.0 GB, bfloat16")


def test_too_little_memory_or_disk(monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(installation, "physical_memory", lambda: 10**9)
    monkeypatch.setattr(installation.shutil, "disk_usage", lambda place: usage(10, 9, 1))
    found = found_by(installation.machine)
    assert found["memory"].state == found["disk"].state == PROBLEM
    assert found["disk"].detail.endswith("choose another folder by --out")


# The domain


@pytest.fixture
def networks(tmp_path, monkeypatch):
    """A domain of one small file, whose hash is listed."""
    path = tmp_path / "generator.safetensors"
    save_file({"w": torch.zeros(4)}, path, {"network": "Generator", "config": "{}"})
    (tmp_path / "SHA256SUMS").write_text(f"{sha256(path)}  {path.name}\n")
    use(monkeypatch, weights=lambda: {"generator": path})
    return path


def test_weights_present_damaged_missing(networks):
    found = found_by(doctor.weights, Asked())
    assert found["generator"].state == OK and "SHA-256 as in SHA256SUMS" in found["generator"].detail
    assert found["directions"].state == MISSING
    networks.write_bytes(networks.read_bytes()[:-1] + b"\1")
    damaged = found_by(doctor.weights, Asked())["generator"]
    assert damaged.state == PROBLEM and "SHA-256" in damaged.detail and "fresh clone" in damaged.detail
    networks.unlink()
    assert "is missing; restore it" in found_by(doctor.weights, Asked())["generator"].detail


def test_networks_of_baselines_that_are_not_there(networks):
    found = found_by(doctor.baselines, Asked())
    assert found["comodgan and comodgan_ft"].state == PROBLEM  # rows of the main suite
    assert found["gpen and gpen_ft"].state == MISSING
    for users, command in {"els": "pretrain els", "psp": "pretrain psp", "e4e and pti_e4e": "pretrain e4e"}.items():
        optional = found.pop(users)
        assert optional.state == MISSING and "a dash" in optional.detail and command in optional.detail
    for line in found.values():
        assert "python -m baselines.common.pretrain" in line.detail and "minutes" in line.detail


# People


def test_people_who_are_yet_to_be_rendered(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = found_by(doctor.people, Asked())
    assert found["people, quick"].state == MISSING and "2 of 2 will be rendered" in found["people, quick"].detail
    assert list(found) == ["people, smoke", "people, quick", "people, full"]


def test_rendered_photos_that_are_damaged(tmp_path, monkeypatch, draw_person):
    monkeypatch.chdir(tmp_path)
    draw_person(tmp_path / f"data/synthetic-{DOMAIN.resolution}-v{VERSION}", "p06")  # too small
    line = found_by(doctor.people, Asked())["p06"]
    assert line.state == PROBLEM and "8 problems in all" in line.detail and line.detail.endswith("it is rendered again")


def test_photos_of_a_folder(people_root, tmp_path, monkeypatch, capsys):
    only(monkeypatch, doctor.people)
    use(monkeypatch, resolution=32)
    assert main(["--photos", str(people_root)]) == 0
    out = capsys.readouterr().out
    assert "ok       alice   5 train, 3 test" in out and "people  2 in " in out
    assert f"--suite inpainting --photos {people_root}" in out
    use(monkeypatch, resolution=64)
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
    assert found_by(installation.tracking)["W&B login"].state == MISSING
    (tmp_path / "netrc").write_text("machine api.wandb.ai\n  login user\n  password not-a-key\n")
    assert found_by(installation.tracking)["W&B login"] == Finding("W&B login", OK, "for api.wandb.ai")
    monkeypatch.setenv("WANDB_BASE_URL", "https://wandb.example.org/")
    assert found_by(installation.tracking)["W&B login"].state == MISSING
    monkeypatch.setenv("WANDB_API_KEY", "not-a-key")
    assert found_by(installation.tracking)["W&B login"].state == OK


def test_without_git(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert found_by(installation.checkout)["git"].state == MISSING


def test_a_check_that_cannot_be_carried_out_is_a_problem_and_the_others_go_on():
    def halfway():
        yield Finding("first", OK, "")
        raise OSError("no such thing")

    found = doctor.findings([halfway(), installation.checkout()])
    assert [finding.state for finding in found] == [OK, PROBLEM, OK]
    assert "OSError: no such thing" in found[1].detail and found[1].name == "halfway"
