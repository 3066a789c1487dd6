"""Ways of sampling the prior: appendix B.1 of the paper, and the better ones that it leaves for future work.

B.1 mixes three anchors at random. Its images are near anchors and so near the reference photos; the uniform
distribution on P_0 (Dirichlet with concentration 1) has all its mass near the centre, where images are alike.
Between the two are Dirichlet distributions of smaller concentration, and walks by hit-and-run that have not gone
all the way.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from benchmarks.api.suite import Figure, Suite, Variant
from benchmarks.api.task import Part
from benchmarks.suites import common
from mystyle.latents.subspace import SamplingSettings

WAYS = {
    "b1": ("Three anchors (B.1)", SamplingSettings()),
    "sparse": ("Dirichlet 0.02", SamplingSettings("dirichlet", concentration=0.02)),
    "uniform": ("Uniform", SamplingSettings("dirichlet")),
    "hit_and_run": ("Hit and run", SamplingSettings("hit_and_run")),
    "hit_and_run_dilated": ("Hit and run, β = 0.02", SamplingSettings("hit_and_run", beta=0.02)),
}


def sampled(way: SamplingSettings, settings: Any, part: Part) -> Any:
    return replace(settings, sample=way)


OF_PHOTOS = ("maps_train", *common.IDENTITIES, "identity_pose", "accepted", "true_identity", "copy_distance")
METRICS = (
    *("maps_train", "maps_heldout", *common.IDENTITIES, "identity_pose", "accepted", "true_identity"),
    *common.OFF_REAL,
    *("diversity", "pair_distance", "fid", "fid_inception", "kid", "precision", "recall", "sharpness"),
    *("copy_distance", "copy_rate"),
)

SUITE = Suite(
    name="sampling",
    version=1,
    title="Sampling",
    paper="B.1",
    methods=tuple(Variant(name, title, "mystyle", partial(sampled, way)) for name, (title, way) in WAYS.items()),
    metrics=METRICS,
    references=(common.ceiling(OF_PHOTOS, common.held_out_photos), common.fresh(METRICS)),
    figures=(Figure("sheet", "sampling", "Random images of one prior, sampled in five ways."),),
    presets={
        "smoke": common.SampleSettings(common.SHORT[1:], 60, "2 people, 60 images each in 5 ways: the plumbing"),
        "quick": common.SampleSettings(
            common.SHORT, 200, "3 people, 200 images each in 5 ways: 5 minutes on two cores"
        ),
        "full": common.SampleSettings(common.EVERYBODY, 2000, "all 13 people, 2,000 images each in 5 ways: for a GPU"),
        "paper": common.SampleSettings(
            common.SHORT, 10_000, "the 3 people of Table 2, 10,000 images each in 5 ways: for a GPU"
        ),
    },
    parts=common.sample_parts,
)
