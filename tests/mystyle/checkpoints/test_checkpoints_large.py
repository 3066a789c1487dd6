"""A file of the official 1024 px layout: it loads without a warning, and a CPU renders with it in little memory."""

import json
import subprocess
import sys

import pytest
import torch
import weight_files

from mystyle.networks.stylegan2 import Discriminator, Generator

LOAD_AND_DRAW = """
import json, sys, time, torch
from benchmarks.engine.provenance import peak_memory_mb
from mystyle.checkpoints import load_generator
began = time.perf_counter()
g = load_generator(sys.argv[1])
loaded = time.perf_counter() - began
with torch.no_grad():
    image = g(torch.randn(1, 512, generator=torch.Generator().manual_seed(0)))
print(json.dumps([loaded, peak_memory_mb("cpu"), list(image.shape), bool(torch.isfinite(image).all())]))
"""


@pytest.mark.slow  # writes and reads 0.4 GB
def test_a_1024_px_pickle_loads_and_draws_in_4_gb(tmp_path):
    torch.manual_seed(0)
    options = dict(num_fp16_res=4, conv_clamp=256)
    g, d = Generator(1024, **options), Discriminator(1024, **options)
    content = weight_files.nvidia_pickle(weight_files.nvidia_module(g), weight_files.nvidia_module(d))
    path = weight_files.write(tmp_path / "ffhq.pkl", weight_files.dumps(content))
    del g, d, content
    command = [sys.executable, "-W", "error", "-c", LOAD_AND_DRAW, str(path)]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert run.stderr == ""
    seconds, megabytes, shape, finite = json.loads(run.stdout)
    print(f"{path.stat().st_size / 1e6:.0f} MB loaded in {seconds:.1f} s; peak of the process {megabytes:.0f} MB")
    assert megabytes < 4000
    assert shape == [1, 3, 1024, 1024] and finite
