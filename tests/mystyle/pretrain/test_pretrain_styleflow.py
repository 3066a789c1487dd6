"""StyleFlow's flow of a domain: its pairs, and that what is trained is what the editor reads."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from mystyle.editors.attributes import read_codes
from mystyle.editors.styleflow import EDITOR, NETWORK
from mystyle.pretrain import loop
from mystyle.pretrain.settings import StyleFlowSettings
from mystyle.pretrain.styleflow import pretrain, read_pairs

SETTINGS = StyleFlowSettings(samples=40, epochs=2, batch=4, hidden=(8,), held_out=4)


def test_pairs_are_made_once_and_by_seed(tiny_domain, tmp_path):
    w, c = read_pairs(tiny_domain, tmp_path, 6, seed=3)
    ws = w[:, None].expand(-1, tiny_domain.generator.num_ws, -1)
    torch.testing.assert_close(c, read_codes(ws, tiny_domain, ("yaw", "smile")))
    times = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    again, _ = read_pairs(tiny_domain, tmp_path, 6, seed=3)
    assert torch.equal(again, w) and {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == times
    assert not torch.equal(read_pairs(tiny_domain, tmp_path, 6, seed=4)[0], w)


def test_what_is_trained_is_what_the_editor_reads(tiny_domain, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "BATCHES_PER_EPOCH", 2)
    domain = replace(tiny_domain, folder=tmp_path)
    torch.manual_seed(0)
    figures = pretrain(domain, tmp_path, tmp_path / "work", SETTINGS, seed=0)
    assert {"nll", "change_yaw", "other_yaw", "change_smile", "other_smile"} == set(figures)
    flow = EDITOR.flow(domain)
    assert flow.attributes == ("yaw", "smile") and flow.config["hidden"] == [8]
    # 36 codes in four batches of four: the moments have moved from those of all codes
    assert (tmp_path / "work" / "styleflow" / "last.ckpt").is_file()
    assert (tmp_path / NETWORK.file).is_file()


def test_a_reader_of_none_of_the_attributes_is_refused(tiny_domain, tmp_path):
    class Other:
        moments = {"mole_size": (0.0, 1.0)}  # noqa: RUF012 - a test's constant

    with pytest.raises(ValueError, match="the reader of domain tiny reads none of the main attributes"):
        pretrain(replace(tiny_domain, reader=Other()), tmp_path, tmp_path, SETTINGS, seed=0)
