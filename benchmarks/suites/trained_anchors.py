"""Predetermined against trained anchors: Figure 17 of the paper (appendix C.3).

Random pictures of MyStyle, and of the same tuning with the anchors trained together with the generator, which resembles
GLO. The paper shows pictures and finds the latter blurred, with artifacts and distorted features; here sharpness,
distances of distributions and the likeness of the person are numbers.
"""

from __future__ import annotations

from benchmarks import tasks
from benchmarks.api.protocol import Figure, Suite
from mystyle.types import Samples

FIGURE_17 = ("adele", "kamala_harris", "joe_biden")


OF_PHOTOS = ("maps_train", "identity", "true_identity", "sharpness")

SUITE = Suite(
    name="trained_anchors",
    version=1,
    title="Trained anchors",
    paper="Figure 17",
    methods=("glo", "mystyle"),
    metrics=("maps_train", "maps_heldout", "identity", "true_identity", "diversity", "fid", "kid", "sharpness"),
    references=(tasks.ceiling(OF_PHOTOS, tasks.held_out_photos),),
    figures=(
        Figure("sheet", "trained_anchors", "Random pictures with trained and with fixed anchors, as in Figure 17."),
    ),
    presets={
        "smoke": tasks.SampleSettings(tasks.SHORT[1:], 60, "2 people, 60 pictures each: the plumbing"),
        "quick": tasks.SampleSettings(tasks.SHORT, 300, "3 people, 300 pictures each: 7 minutes on two cores"),
        "full": tasks.SampleSettings(tasks.EVERYBODY, 2000, "all 13 people, 2,000 pictures each: for a GPU"),
        "paper": tasks.SampleSettings(FIGURE_17, 2000, "the 3 people of Figure 17, 2,000 pictures each: for a GPU"),
    },
    verb=Samples,
    parts=tasks.sample_parts,
    problem=tasks.problem,
    solve=tasks.solve,
)
