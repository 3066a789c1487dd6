"""Typical and atypical photos: what appendix C.1 of the paper says beside Figure 15.

At beta = 0, its text says, typical photos are reconstructed more faithfully than others, and where beta is larger they
do not use it. Here both are rank correlations over a person's photos (in RESULTS.md), of which there are more than in
``dilation``. A photo's typicality is its mean similarity to the reference photos, into which no method enters.

The paper describes typical photos (frontal, neutral or smiling, in simple light) and does not say how they were found.
Its text is about all applications; here photos are inverted. Beta is 0, or there is no bound.
"""

from __future__ import annotations

from functools import partial

from benchmarks.api.suite import Figure, Suite
from benchmarks.suites import common
from benchmarks.suites.dilation import row
from benchmarks.tasks.inversion import Inversion

SUITE = Suite(
    name="typical_photos",
    version=1,
    title="Typical photos",
    paper="Figure 15",
    methods=(row(0.0), row(None)),
    metrics=("typicality", "perceptual", "identity", "dilation"),
    conditions={"inversion": "Inversion"},
    splits=("test", "extra"),
    figures=(
        Figure(
            "grid",
            "typical_photos",
            "The most and the least typical photo, and their inversions.",
            {"extremes": "typicality"},
        ),
    ),
    presets={
        "smoke": common.PhotoSettings(common.SHORT[1:], 2, "2 people, 2 photos each, 2 betas: the plumbing"),
        "quick": common.PhotoSettings(common.SHORT, 12, "3 people, 12 photos each, 2 betas: five minutes on two cores"),
        "full": common.PhotoSettings(common.EVERYBODY, 20, "all 13 people, 20 photos each, 2 betas: for a GPU"),
        "paper": common.PhotoSettings(common.SHORT, 20, "the 3 people of Table 2, 20 photos each, 2 betas: for a GPU"),
    },
    parts=partial(common.photo_parts, (Inversion(),)),
)
