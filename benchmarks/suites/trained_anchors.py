"""Predetermined against trained anchors: Figure 17 of the paper (appendix C.3).

Random images of MyStyle, and of the same tuning with the anchors trained together with the generator, which resembles
GLO. The paper shows images and finds the latter blurred, with artifacts and distorted features; here sharpness,
distances of distributions and identity similarity are numbers.
"""

from __future__ import annotations

from benchmarks.api.suite import Figure, Suite
from benchmarks.suites import common

OF_PHOTOS = ("maps_train", "identity", "true_identity", "sharpness")

SUITE = Suite(
    name="trained_anchors",
    version=1,
    title="Trained anchors",
    paper="Figure 17",
    methods=("glo", "mystyle"),
    metrics=(
        *("maps_train", "maps_heldout", "identity", "true_identity", "identity_shift"),
        *("diversity", "fid", "kid", "sharpness"),
    ),
    references=(common.ceiling(OF_PHOTOS, common.held_out_photos),),
    figures=(
        Figure("sheet", "trained_anchors", "Random images with trained and with fixed anchors, as in Figure 17."),
    ),
    presets={
        "smoke": common.SampleSettings(common.SHORT[1:], 60, "2 people, 60 images each: the plumbing"),
        "quick": common.SampleSettings(common.SHORT, 300, "3 people, 300 images each: 7 minutes on two cores"),
        "full": common.SampleSettings(common.EVERYBODY, 2000, "all 13 people, 2,000 images each: for a GPU"),
        "paper": common.SampleSettings(
            common.FIGURE_17, 2000, "the 3 people of Figure 17, 2,000 images each: for a GPU"
        ),
    },
    parts=common.sample_parts,
)
