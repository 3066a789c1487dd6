"""The command line from end to end on the tiny domain: what it refuses, what it leaves, what it does again."""

from __future__ import annotations

import functools
import io
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import torch
import yaml
from bench_toys import Toy, without_report
from few_codes import few_codes
from PIL import Image
from rich.console import Console
from safetensors.torch import save_file
from tiny import load_tiny_domain

from benchmarks import list as listing
from benchmarks import run
from benchmarks.api.registry import METHODS, METRICS, SUITES
from benchmarks.engine import records
from benchmarks.engine.display import print_summary
from benchmarks.engine.options import Options, make_parser, to_options
from benchmarks.engine.preview import preview
from benchmarks.engine.request import Request, UnusableArguments, make_jobs
from benchmarks.engine.terminal import replace_unencodable
from benchmarks.run import do_jobs, each_suite, main
from benchmarks.suites.inpainting import SUITE
from datasets.folders import sha256
from mystyle import domains
from mystyle.domains.domain import InMemory
from mystyle.domains.synthetic import WeightFolder

ROWS = len(SUITE.methods) + len(SUITE.references)

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def quick_report(request, monkeypatch):
    """None but the tests marked ``usefixtures("report")`` make a report, which takes seconds."""
    if "report" not in request.fixturenames:
        monkeypatch.setattr(run, "build_report", without_report)


@pytest.fixture
def report():
    """The run's report is made by its command."""


@pytest.fixture
def weights(tmp_path):
    """Two small weight files in the project's format."""
    folder = tmp_path / "weights"
    folder.mkdir()
    for role in ("generator", "features"):
        save_file({"w": torch.zeros(4)}, folder / f"{role}.safetensors", {"network": "Generator", "config": "{}"})
    return {role: folder / f"{role}.safetensors" for role in ("generator", "features")}


@pytest.fixture
def command(tmp_path, weights, people_root, monkeypatch, capsys):
    """``command("--flag", ...)`` runs the CLI on the tiny domain: (exit status, standard output, standard error)."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))  # for the report, a command of its own

    class Tiny(WeightFolder):
        def weights(self):
            return weights

    tiny = Tiny("synthetic", tmp_path, 32, people="datasets.synthetic.people")
    monkeypatch.setattr(domains, "source", lambda name: tiny)
    monkeypatch.setattr(run, "load_domain", lambda name, device: load_tiny_domain(device))

    def call(*arguments):
        shared = ["--photos", str(people_root), "--executor", "inline", "--device", "cpu", "--wandb", "disabled"]
        status = main([*shared, "--preset", "smoke", *map(str, arguments)])
        return status, *capsys.readouterr()

    return call


# What is refused


def test_a_baseline_without_its_network_of_the_domain_is_refused_with_the_way_out(command):
    status, _, err = command("--methods", "comodgan", "gpen_ft", "--out", "a")
    assert status == 2
    for name in ("comodgan", "gpen"):
        assert f"{name}.safetensors is missing; train it" in err and f"baselines.common.pretrain {name} data" in err


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--suite", "inpaint"], "--suite: unknown suite 'inpaint', did you mean inpainting?"),
        (["--preset", "quik"], "--preset: unknown preset 'quik', did you mean quick?"),
        (["--methods", "mystyle", "diffaugmnt"], "--methods: unknown method 'diffaugmnt', did you mean diffaugment?"),
        (["--people", "alise"], "--people: unknown person 'alise', did you mean alice?"),
        (["--domain", "celeba"], "--domain: unknown domain 'celeba'"),
        (["--seeds", "-1"], "--seeds -1: a seed is 0 or more"),
        (["--seeds", "1", "1"], "--seeds: a seed is given twice"),
        (["--workers", "0"], "--workers 0: at least 1 is needed"),
        (["--photos", "nowhere"], "--photos nowhere: there is no such folder"),
        (["--retries", "-1"], "--retries -1: 0 or more"),
        (["--timeout", "0", "--executor", "local"], "--timeout 0: seconds, more than 0"),
        (["--timeout", "9"], "--timeout: inline cannot stop a job, since it has one process; use --executor local"),
        (["--seeds", "12345678901234567890123456"], "--seeds 12345678901234567890123456: a seed is at most"),
        (["--fit_seconds", ".inf"], "--fit_seconds inf: seconds, more than 0 and finite"),
        (["--fit_seconds", "-5"], "--fit_seconds -5: seconds, more than 0"),
        (["--longer", "diffaugment"], "--longer diffaugment: write ROW=FACTOR, such as diffaugment=6"),
        (["--longer", "mystyle=-2"], "--longer mystyle=-2: write ROW=FACTOR"),
        (["--longer", "mystyle=2", "--fit_seconds", "5"], "--longer: --fit_seconds decides how long fits are"),
        (["--methods", "domain_w", "--longer", "domain_w=2"], "--longer domain_w: has no fit whose length can be"),
        (["--methods", "domain_w", "--longer", "glo=2"], "--longer glo: is no row of this run; there are domain_w"),
        (["--suite", "all", "--longer", "mystyle=2"], "--longer: suites have different rows"),
        (["--shard", "0/4"], "--shard 0/4: write I/N, the I-th of N parts, such as 1/4"),
        (["--shard", "5/4"], "--shard 5/4: write I/N"),
        (["--shard", "half"], "--shard half: write I/N"),
        (["--shard", "1/2", "--collect"], "--collect: is for all shards together; omit --shard"),
        (["--collect", "--dry_run"], "--collect: runs no job"),
        (["--ray_address", "auto"], "--ray_address: executor inline uses no cluster; add --executor ray"),
        (["--collect", "--out", "nowhere"], "nowhere/suite.json: cannot be read"),
    ],
)
def test_unusable_arguments(command, arguments, message):
    status, out, err = command(*arguments)
    assert (status, out) == (2, "") and message in err and "Traceback" not in err


def test_a_stranger_is_refused_before_anybody_is_rendered(tmp_path):
    asked = ["--suite", "inpainting", "--people", "p03", "s0001", "--out", tmp_path / "run"]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.run", *map(str, asked)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    wanted = "--people s0001: a stranger has no reference photos, which suite inpainting needs"
    assert (done.returncode, done.stderr.strip()) == (2, f"benchmarks.run: {wanted}")
    assert not list(tmp_path.iterdir())


def test_a_list_may_be_cut_short():
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.list"], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as lists:
        lists.stdout.close()  # as head does when it has enough
        assert (lists.stderr.read(), lists.wait()) == (b"", 0)


def test_every_problem_is_in_one_message(command):
    status, _, err = command("--suite", "x", "--methods", "y", "--people", "z", "--seeds", "-1", "--workers", "0")
    assert status == 2 and len(err.splitlines()) == 5
    assert all(line.startswith("benchmarks.run: --") for line in err.splitlines())


def test_unknown_flags_and_values_end_with_status_2():
    for arguments in (["--no_such_flag", "1"], ["--device", "tpu"], ["--seeds", "one"]):
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert ended.value.code == 2


def test_no_cuda(command):
    if torch.cuda.is_available():
        pytest.skip("this machine has CUDA")
    assert "--device cuda: torch finds no CUDA device" in command("--device", "cuda")[2]


def test_out_that_cannot_be_written(command, tmp_path):
    (tmp_path / "file").write_text("")
    assert "is a file" in command("--out", tmp_path / "file")[2]
    assert "is a file" in command("--out", tmp_path / "file" / "below")[2]
    (tmp_path / "album").mkdir()
    (tmp_path / "album" / "photo.png").write_text("")
    assert "something else than a run" in command("--out", tmp_path / "album")[2]
    if Path("/proc/self").exists():  # a place where not even root can write
        assert "is not writable" in command("--out", "/proc/run")[2]
    if os.name == "posix" and os.geteuid() != 0:
        (tmp_path / "locked").mkdir(mode=0o500)
        assert "is not writable" in command("--out", tmp_path / "locked" / "run")[2]


@pytest.mark.parametrize(
    "files", [{"config.yaml": "server: 1\n"}, {"suite.json": "[]"}, {"jobs/unfinished.txt": ""}, {"priors/me.png": ""}]
)
def test_a_folder_that_only_looks_like_a_run_is_refused(command, tmp_path, files):
    for name, content in files.items():
        (tmp_path / "album" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "album" / name).write_text(content)
    status, _, err = command("--methods", "mean_photo", "--out", "album", "--dry_run")
    assert status == 2 and "--out album: the folder holds something else than a run" in err
    assert {path.relative_to(tmp_path / "album").as_posix() for path in (tmp_path / "album").rglob("*.*")} == set(files)


def test_priors_that_would_go_among_other_files(command, tmp_path):
    (tmp_path / "album").mkdir()
    flags = ("--methods", "mean_photo", "--out", "a", "--priors", "album", "--dry_run")
    assert command(*flags)[0] == 0
    (tmp_path / "album" / "photo.png").write_text("")
    status, _, err = command(*flags)
    assert status == 2 and "--priors album: the folder holds something else than priors" in err


def test_a_config_that_is_no_text(tmp_path, capsys):
    (tmp_path / "config.yaml").write_bytes(bytes(range(128, 256)))
    with pytest.raises(SystemExit) as ended:
        main(["--config", str(tmp_path / "config.yaml")])
    assert ended.value.code == 2 and "--config: not a text file in UTF-8" in capsys.readouterr().err


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere file systems refuse such names")
def test_names_that_are_not_utf_8(command, draw_person, tmp_path):
    people = tmp_path / "people"
    draw_person(people, "alice")
    os.rename(people / "alice/train/000.png", os.fsencode(people / "alice/train") + b"/\xff.png")
    status, _, err = command("--photos", people)
    assert status == 2 and "alice \\udcff.png: the name is not valid UTF-8" in err
    os.rename(people / "alice", os.fsencode(people) + b"/al\xffice")
    status, _, err = command("--photos", people)
    assert status == 2 and "--photos al\\udcffice: the name is not valid UTF-8; rename it" in err
    with pytest.raises(SystemExit) as ended:
        command("--out", os.fsdecode(b"\xff"))
    assert ended.value.code == 2


@pytest.mark.parametrize("damage", ["missing", "empty", "truncated", "other", "changed"])
def test_weight_files_that_cannot_be_used(command, weights, damage):
    path = weights["features"]
    content = path.read_bytes()
    if damage == "missing":
        path.unlink()
    elif damage == "other":
        save_file({"w": torch.zeros(4)}, path)
    elif damage == "changed":
        (path.parent / "SHA256SUMS").write_text("".join(f"{sha256(p)}  {p.name}\n" for p in weights.values()))
        path.write_bytes(content[:-1] + b"\1")
    else:
        path.write_bytes(content[:-3] if damage == "truncated" else b"")
    status, _, err = command()
    assert status == 2 and str(path) in err and "restore it" in err and "generator" not in err


def test_photos_that_cannot_be_used(command, tmp_path, draw_person):
    alice = draw_person(tmp_path / "people", "alice")
    (alice / "train/000.png").write_bytes(b"broken")
    Image.new("RGB", (64, 64)).save(alice / "test/001.png")
    status, _, err = command("--photos", tmp_path / "people")
    assert status == 2 and "train/000.png cannot be decoded" in err
    assert "test/001.png is 64x64 pixels, this domain needs 32x32" in err
    assert not (tmp_path / "runs").exists()  # before any work


def test_a_method_whose_file_is_broken(command, monkeypatch):
    def broken(kind, name):
        raise SyntaxError("invalid syntax")

    monkeypatch.setattr(type(METHODS), "load", lambda kind, name: broken(kind, name) if kind is METHODS else SUITE)
    status, _, err = command("--methods", "mean_photo")
    assert status == 2 and "--methods mean_photo: cannot be imported (SyntaxError: invalid syntax)" in err


def test_help_imports_nothing_that_takes_long():
    code = "import sys, benchmarks.run as r\ntry: r.main(['--help'])\nexcept SystemExit: print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0 and "--methods NAME [NAME ...]" in done.stdout
    assert not {"torch", "pandas", "scipy", "matplotlib", "ray", "wandb"} & set(done.stdout.split())


@pytest.mark.parametrize(
    "command", [["run", "--help"], pytest.param(["list", "presets"], marks=pytest.mark.slow)], ids=" ".join
)
def test_without_docstrings_and_in_another_encoding(command):
    call = [sys.executable, "-OO", "-m", f"benchmarks.{command[0]}", *command[1:]]
    done = subprocess.run(call, cwd=ROOT, env=os.environ | {"PYTHONIOENCODING": "ascii"}, capture_output=True)
    assert done.returncode == 0 and len(done.stdout) > 500, done.stderr


def test_a_summary_in_another_encoding(finished, monkeypatch):
    options, _, _ = finished
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding="cp1252"))
    replace_unencodable()
    summary = pd.read_csv(options.folder / "summary.csv", dtype={"condition": str})
    print_summary(summary, records.read_suite(options.folder))
    sys.stdout.flush()
    assert " ?" in sys.stdout.buffer.getvalue().decode("cp1252")  # an arrow, which that encoding lacks


@pytest.mark.parametrize("width", [60, 110, 300])
def test_a_summary_has_whole_numbers_whatever_the_terminals_width(finished, width):
    options, _, _ = finished
    summary = pd.read_csv(options.folder / "summary.csv", dtype={"condition": str})
    suite = records.read_suite(options.folder)
    shown = io.StringIO()
    print_summary(summary, suite, Console(file=shown, width=width))
    done = summary[summary["n_images"] > 0]
    for mean, deviation in zip(done["mean"], done["std"], strict=True):
        assert f"{mean:.3f} ± {deviation:.3f}" in shown.getvalue()
    assert max(map(len, shown.getvalue().splitlines())) <= width and "…" not in shown.getvalue()


# All suites


def test_all_suites_share_their_priors(tmp_path):
    options = Options(suite="all", preset="smoke", out=tmp_path / "all")
    singles = each_suite(options)
    assert tuple(single.suite for single in singles) == SUITES.names()
    assert {single.priors for single in singles} == {tmp_path / "all" / "priors"}
    assert [single.folder for single in singles] == [tmp_path / "all" / name for name in SUITES.names()]
    assert each_suite(Options(suite="mismatch")) == [Options(suite="mismatch")]
    assert Options(suite="all").folder == Path("runs/all-quick")


def test_all_suites_take_no_methods_and_photos_only_where_they_mean_something(tmp_path):
    with pytest.raises(UnusableArguments, match="suites have different rows"):
        each_suite(Options(suite="all", methods=("mystyle",)))
    named = {single.suite for single in each_suite(Options(suite="all", photos=tmp_path))}
    assert named == set(SUITES.names()) - {"calibration"}


@pytest.mark.slow
@pytest.mark.usefixtures("report")
def test_two_suites_in_one_command_and_a_page_that_leads_to_them(command, tmp_path, monkeypatch):
    every = type(SUITES).names
    two = ("locality", "mismatch")
    monkeypatch.setattr(type(SUITES), "names", lambda kind: two if kind is SUITES else every(kind))
    status, out, err = command("--suite", "all", "--out", "all", "--dry_run")
    assert status == 0 and "20 of 20 jobs to do" in out and "8 of 8 jobs to do" in out, err
    status, out, err = command("--suite", "all", "--out", "all")
    assert status == 0, err
    fitted = list((tmp_path / "all" / "priors").glob("*/about.json"))
    assert len(fitted) == 2, "mystyle of two people, whatever the suites"
    page = (tmp_path / "all" / "index.html").read_text()
    assert all(f'href="{name}/report/index.html"' in page for name in ("locality", "mismatch"))
    status, out, _ = command("--config", "all/mismatch/config.yaml")
    assert status == 0 and "all 8 jobs are done" in out


def test_a_row_of_the_suites_own_is_a_name_that_methods_takes(command):
    status, out, err = command("--suite", "latent_spaces", "--methods", "space_pplus", "--out", "a", "--dry_run")
    assert status == 0 and "4 of 4 jobs to do" in out, err
    status, _, err = command("--suite", "latent_spaces", "--methods", "space_plus", "--out", "a", "--dry_run")
    assert status == 2 and "did you mean space_" in err


# What a run leaves


@pytest.fixture(scope="module")
def finished(tmp_path_factory, people_root):
    """A run of all methods of the suite in their smoke presets."""
    folder = tmp_path_factory.mktemp("run")
    (folder / "features.safetensors").write_bytes(b"weights")
    options = Options(
        photos=people_root, out=folder / "out", preset="smoke", executor="inline", device="cpu", wandb="disabled"
    )
    asked = Request(
        suite=SUITE,
        preset="smoke",
        methods={name: METHODS.load(name) for name in SUITE.methods},
        metrics={name: METRICS.load(name) for name in SUITE.metrics},
        folders={name: people_root / name for name in ("alice", "bob")},
        seeds=(0,),
        domain="tiny",
        resolution=32,
        weights={"features": folder / "features.safetensors"},
        files={"comodgan.safetensors": folder / "features.safetensors"},
    )
    options.folder.mkdir()
    return options, asked, do_jobs(asked, options, load_tiny_domain)()


def test_every_method_of_the_suite_runs(finished):
    options, _, status = finished
    assert status == 0
    results = pd.read_csv(options.folder / "results.csv")
    assert (results["status"] != "failed").all()
    assert set(results["method"]) == {*SUITE.methods, "real_photos", "other_people"}
    assert set(results["metric"]) == set(SUITE.metrics)
    assert len(results[results["metric"] == "seam"]) == ROWS * 2 * 2  # people, cases


def test_the_summary_has_a_row_per_method_and_metric(finished):
    options, _, _ = finished
    summary = pd.read_csv(options.folder / "summary.csv").set_index(["method", "metric"])
    assert len(summary) == ROWS * len(SUITE.metrics)
    assert summary.loc[("mystyle", "maps_train"), "published"] == "0.72 ± 0.08"
    assert summary.loc[("real_photos", "seam"), "n_images"] == 0


def test_suite_json_says_how_the_table_looks(finished):
    options, _, _ = finished
    suite = records.read_suite(options.folder)
    kinds = {method.name: method.kind for method in suite.methods}
    assert list(kinds) == [*SUITE.methods, "other_people", "real_photos"]
    assert kinds["mystyle"] == "method" and kinds["mean_photo"] == "floor" and kinds["real_photos"] == "ceiling"
    # losses look through the perceptual network, and MAPS and identity are measured by another
    shared = {metric.name: metric.shares_network_with_loss for metric in suite.metrics}
    assert shared == {name: name == "hole_distance" for name in SUITE.metrics}


def test_the_environment_is_recorded(finished):
    options, _, _ = finished
    environment = records.read_json(options.folder / "environment.json", "")
    assert torch.__version__.startswith(environment["packages"]["torch"])
    assert environment["device"] == "cpu" and environment["cores"] >= 1 and "cores of" in environment["hardware"]
    assert set(environment) >= {"commit", "dirty", "python", "system"}


def test_the_second_time_nothing_is_done(finished, capsys):
    options, asked, _ = finished
    before = {path: path.stat().st_mtime_ns for path in options.folder.glob("jobs/*/*")}
    assert do_jobs(asked, options, functools.partial(pytest.fail, "a domain was loaded"))() == 0
    assert f"all {2 * ROWS} jobs are done" in capsys.readouterr().out
    assert {path: path.stat().st_mtime_ns for path in options.folder.glob("jobs/*/*")} == before


def test_only_what_is_missing_is_done_again(finished, capsys):
    options, asked, _ = finished
    before = (options.folder / "results.csv").read_bytes()
    job = next(job for job in make_jobs(asked) if job.method == "mystyle")
    shutil.rmtree(options.folder / "jobs" / job.key)
    assert f"1 of {2 * ROWS} jobs to do" in preview(asked, options)
    assert do_jobs(asked, options, load_tiny_domain)() == 0
    assert f"{2 * ROWS - 1} of {2 * ROWS} jobs are done" in capsys.readouterr().out
    assert (options.folder / "results.csv").read_bytes() == before  # from the cached prior, to the last bit


@pytest.mark.usefixtures("report")
def test_command_config_and_dry_run(command, tmp_path):
    status, out, _ = command("--methods", "mean_photo", "--out", "a", "--dry_run")
    assert status == 0 and "6 of 6 jobs to do" in out and not (tmp_path / "a").exists()
    status, out, err = command("--methods", "mean_photo", "--out", "a", "--seeds", "0", "1")
    assert status == 0, err
    assert "12 jobs, 1 at a time" in out and "report: a/report/index.html" in out and "Mean photo" in out
    config = yaml.safe_load((tmp_path / "a/config.yaml").read_text())
    assert config["methods"] == ["mean_photo"] and config["people"] == ["alice", "bob"]
    assert config["seeds"] == [0, 1] and "config" not in config
    status, out, _ = command("--config", "a/config.yaml")
    assert status == 0 and "all 12 jobs are done" in out


def test_one_folder_holds_one_suite_and_one_plan(command, tmp_path):
    """Another suite is refused before anything is written; jobs of other settings are announced."""
    assert command("--methods", "mean_photo", "--out", "a")[0] == 0
    before = {path: path.read_bytes() for path in (tmp_path / "a").rglob("*") if path.is_file()}
    status, _, err = command("--suite", "sampling", "--out", "a")
    assert status == 2 and "--out a: holds a run of suite inpainting, not of sampling; choose another folder" in err
    assert before == {path: path.read_bytes() for path in (tmp_path / "a").rglob("*") if path.is_file()}
    status, out, _ = command("--methods", "mean_photo", "--people", "alice", "--seeds", "1", "--out", "a")
    assert status == 0 and "jobs in a are of other settings: they are kept, and are not part of this plan's" in out


def test_a_job_whose_images_are_gone_is_done_again(command, tmp_path):
    assert command("--methods", "mean_photo", "--out", "a")[0] == 0
    image = next(path for path in sorted((tmp_path / "a").glob("jobs/*/images/*.png")) if "input" not in path.name)
    whole = image.read_bytes()
    image.unlink()
    status, out, _ = command("--methods", "mean_photo", "--out", "a")
    assert status == 0 and "5 of 6 jobs are done" in out and image.read_bytes() == whole


def test_the_config_of_a_run_with_images_made_elsewhere_can_be_used_again(command, tmp_path):
    for person in ("alice", "bob"):
        (tmp_path / "theirs" / person).mkdir(parents=True)
        Image.new("RGB", (32, 32)).save(tmp_path / "theirs" / person / "x.png")
    status, _, _ = command("--methods", "external:theirs=theirs", "mean_photo", "--out", "a", "--dry_run")
    assert status == 0
    command("--methods", "external:theirs=theirs", "mean_photo", "--out", "a")  # fails: no image is of a case
    config = yaml.safe_load((tmp_path / "a/config.yaml").read_text())
    assert config["methods"] == ["external:theirs=theirs", "mean_photo"]
    status, out, err = command("--config", "a/config.yaml", "--dry_run")
    assert status == 0 and "theirs" in out, err


def test_a_run_that_was_stopped_before_its_plan_goes_on(command, tmp_path):
    assert command("--methods", "mean_photo", "--out", "a")[0] == 0
    whole = (tmp_path / "a" / "results.csv").read_bytes()
    for path in (tmp_path / "a").iterdir():  # as it is while people are rendered, or times measured
        if path.name != "config.yaml":
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    (tmp_path / "a" / "priors" / "unfinished").mkdir(parents=True)
    status, _, err = command("--methods", "mean_photo", "--out", "a")
    assert status == 0, err
    assert (tmp_path / "a" / "results.csv").read_bytes() == whole


@pytest.mark.usefixtures("report")
def test_collecting_makes_what_follows_from_the_records_and_needs_no_photos(command, tmp_path):
    assert command("--methods", "mean_photo", "--out", "a")[0] == 0
    before = (tmp_path / "a" / "results.csv").read_bytes()
    for name in ("results.csv", "summary.csv", "report"):
        path = tmp_path / "a" / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    status, out, err = command("--collect", "--out", "a")
    assert status == 0 and "6 of 6 jobs are done in a, 0 failed" in out, err
    assert (tmp_path / "a" / "results.csv").read_bytes() == before
    assert (tmp_path / "a" / "summary.csv").exists() and (tmp_path / "a" / "report" / "index.html").exists()
    shutil.rmtree(next((tmp_path / "a" / "jobs").glob("*/record.json")).parent)
    status, out, _ = command("--collect", "--out", "a")
    assert status == 1 and "5 of 6 jobs are done" in out and "1 are missing" in out


def test_a_dry_run_tells_times_changes_and_shards(command):
    flags = ("--methods", "mean_photo", "--out", "a")
    assert command(*flags)[0] == 0
    _, out, _ = command(*flags, "--seeds", "0", "1", "--dry_run")
    assert "6 of 12 jobs to do in a, about" in out and "6 records of" in out and ", about 0 s" in out
    shards = [command(*flags, "--seeds", "0", "1", "--shard", f"{i}/2", "--dry_run")[1] for i in (1, 2)]
    keys = [set(re.findall(r"[0-9a-f]{16}", out)) for out in shards]
    assert len(keys[0] | keys[1]) == 12 and not keys[0] & keys[1]


@pytest.mark.usefixtures("report")
def test_a_report_that_cannot_be_made_is_exit_status_1_and_made_the_next_time(command, tmp_path):
    broken = tmp_path / "reports" / "build.py"  # found first: the command of the report runs in this folder
    broken.parent.mkdir()
    (broken.parent / "__init__.py").touch()
    broken.write_text("raise SystemExit('no font \\x1b[2J')")
    for flags in ((), ("--collect",)):
        status, _, err = command("--methods", "mean_photo", "--out", "a", *flags)
        assert status == 1 and "the report could not be made" in err and "python -m reports.build a" in err
        assert r"no font \x1b[2J" in err
    shutil.rmtree(broken.parent)
    status, out, err = command("--methods", "mean_photo", "--out", "a")
    assert status == 0 and "all 6 jobs are done" in out and "report: a/report/index.html" in out, err


def test_a_failed_job_is_exit_status_1_and_tried_again(finished, people_root, tmp_path, capsys):
    _, asked, _ = finished
    options = Options(photos=people_root, out=tmp_path / "out", executor="inline", device="cpu", wandb="disabled")
    options.folder.mkdir()
    fields = {name: getattr(asked, name) for name in asked.__dataclass_fields__}
    bad = Request(**fields | {"methods": {"bad": Toy("bad", "raise"), "grey": Toy("grey")}})
    for _ in range(2):
        assert do_jobs(bad, options, load_tiny_domain)() == 1
        out = capsys.readouterr().out
        assert "2 of 8 jobs failed" in out and "this method always fails" in out
    assert (options.folder / "report/index.html").exists()  # the rest is still reported
    good = Request(**fields | {"methods": {"bad": Toy("bad"), "grey": Toy("grey")}})
    assert do_jobs(good, options, load_tiny_domain)() == 0
    assert "6 of 8 jobs are done" in capsys.readouterr().out


def test_several_values_and_their_absence():
    parser = make_parser()
    given = to_options(parser.parse_args(["--methods", "a", "b", "--seeds", "3", "4", "--people", "p01"]))
    assert (given.methods, given.seeds, given.people) == (("a", "b"), (3, 4), ("p01",))
    assert to_options(parser.parse_args([])) == Options()
    assert Options().folder == Path("runs/inpainting-quick")


# Lists


def test_the_list_names_what_there_is(capsys):
    assert listing.main([]) == 0
    out = capsys.readouterr().out
    for word in ("inpainting", "mystyle", "maps_train", "p13", "xi_jinping", "smoke"):
        assert word in out
    assert listing.main(["people"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 13


def test_the_list_says_what_editors_change_in_a_domain(capsys, monkeypatch, tiny_domain):
    few_codes(monkeypatch)
    monkeypatch.setattr(listing, "load_domain", lambda name: replace(tiny_domain, fits=InMemory()))
    assert listing.main(["editors", "--domain", "tiny"]) == 0
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert lines["styleflow"].endswith("changes: yaw, smile") and "pca00" in lines["ganspace"]
    assert lines["vector"].endswith("changes: nothing by name")
    with pytest.raises(SystemExit):
        listing.main(["suites", "--domain", "tiny"])
