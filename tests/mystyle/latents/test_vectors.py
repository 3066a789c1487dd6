"""Codes and directions in files: formats of other projects are read, damaged and executable ones refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mystyle.latents.vectors import read_code


def test_files_of_the_official_code_are_read_and_others_are_refused(tmp_path):
    torch.save(torch.arange(8.0), tmp_path / "smile.pt")
    assert torch.equal(read_code(tmp_path / "smile.pt", 8), torch.arange(8.0))
    np.save(tmp_path / "x.npy", np.array([1.0, np.nan] * 4))
    for name, reason in (
        ("x.npy", "one finite vector of 8"),
        ("y.txt", "is .pt, .npy, .safetensors"),
        ("z.pt", "cannot be"),
    ):
        with pytest.raises(ValueError, match=reason):
            read_code(tmp_path / name, 8)


def test_a_pickle_is_not_run(tmp_path):
    class Evil:
        def __reduce__(self):
            return (print, ("ran",))

    torch.save(Evil(), tmp_path / "evil.pt")
    with pytest.raises(ValueError, match=r"evil\.pt: cannot be read"):
        read_code(tmp_path / "evil.pt", 8)
