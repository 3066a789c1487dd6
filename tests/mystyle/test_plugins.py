"""Plug-ins are found by their files, and the library's protocols tell them and their priors apart."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace

import pytest

from mystyle import plugins
from mystyle.plugins import DOMAINS, EDITORS, Kind, UnknownName, require
from mystyle.prior import METHOD, MyStylePrior
from mystyle.protocols import Editor, Inverts, Method, Prior, Projects, Restores, Samples, Spans


def test_the_library_has_these():
    assert {"synthetic"} <= set(DOMAINS.names())
    assert {"ganspace", "interfacegan", "sefa", "vector"} <= set(EDITORS.names())
    assert "directions" not in EDITORS.names()  # what they share


@pytest.mark.parametrize("kind", [DOMAINS, EDITORS], ids=lambda kind: kind.title)
def test_each_is_named_like_its_file(kind):
    for name, module in kind.modules().items():
        assert kind.load(name).name == name and module == f"{kind.package}.{name}"


def test_a_file_that_assigns_the_attribute_is_one_and_names_run_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(plugins, "_ROOT", tmp_path)
    folder = tmp_path / "some" / "things"
    folder.mkdir(parents=True)
    (folder / "plain.py").write_text("import no_such_package\nTHING = 1\n")
    (folder / "annotated.py").write_text("THING: int = 1\n")
    (folder / "inside.py").write_text("def f():\n    THING = 1\n    return THING\n")
    (folder / "other.py").write_text("OTHER = THING = 1\nTHING.x = 2\n")
    (folder / "notes.txt").write_text("THING = 1\n")
    kind = Kind("thing", "some.things", "THING", extra=(("elsewhere", "some.module"),))
    assert kind.names() == ("annotated", "elsewhere", "other", "plain")
    assert kind.modules()["plain"] == "some.things.plain" and kind.modules()["elsewhere"] == "some.module"


def test_unknown_names_are_all_in_one_message_with_the_nearest():
    with pytest.raises(UnknownName) as error:
        require(["sefia", "sefa", "xyz"], ["sefa", "vector"], "editor")
    first, second = str(error.value).splitlines()
    assert first == "unknown editor 'sefia', did you mean sefa? Known: sefa, vector"
    assert second == "unknown editor 'xyz'. Known: sefa, vector"
    with pytest.raises(UnknownName, match=r"unknown editor 'sefia', did you mean sefa\?"):
        EDITORS.load("sefia")
    with pytest.raises(UnknownName, match="Known: none"):
        require(["x"], [], "thing")


def test_names_cost_no_torch():
    code = (
        "import sys; from mystyle.plugins import DOMAINS, EDITORS; DOMAINS.names(), EDITORS.names();"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_methods_and_editors_are_told_apart_by_what_they_have():
    assert isinstance(METHOD, Method) and not isinstance(METHOD, Editor)
    for editor in map(EDITORS.load, EDITORS.names()):
        assert isinstance(editor, Editor) and not isinstance(editor, Method)


def test_whoever_inherits_from_method_is_personal_and_has_no_networks_unless_it_says_so():
    assert METHOD.personal is True and METHOD.networks == ()


def test_the_verbs_of_a_prior_are_told_by_its_methods():
    prior = MyStylePrior(*[SimpleNamespace()] * 4)
    for verb in (Prior, Samples, Restores, Projects, Inverts, Spans):
        assert isinstance(prior, verb), verb
    sampler = SimpleNamespace(sample=lambda n, seed: None, save=lambda folder: None)
    assert isinstance(sampler, Prior) and isinstance(sampler, Samples)
    for verb in (Restores, Projects, Inverts, Spans):
        assert not isinstance(sampler, verb), verb
    restorer = SimpleNamespace(restore=lambda degraded, degradation, seeds: None)
    assert isinstance(restorer, Restores) and not isinstance(restorer, Projects | Prior)
