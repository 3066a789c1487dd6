"""Synthesis: Table 1 and Figure 8 of the paper (section 5.1).

Random images of each method's prior: MyStyle from P_0 by B.1, DiffAugment with truncation 0.7. They are scored
for how much they look like the person (MAPS to the reference set), how varied they are (intra-cluster diversity
over 10,000 images, clusters by the nearest reference photo), and by what the paper leaves out: distances of
distributions, precision and recall, the error of the true identity, and a test of copying.

Where the paper is silent, we choose:

- *number of images for MAPS*. The same as for diversity.
- *clusters of one* have no pair and are left out (``metrics.diversity``); the paper's zero for real images counts
  them as none. Its values look like ten times a distance; both scales are printed.
- *the row of real photos*. The paper takes the reference photos themselves, whose MAPS is 1 by construction. We take
  held-out ones, which no method has seen: what a perfect sampler would score. They are too few for metrics of sets,
  so that rendered people have a row of fresh photos, as many as there are samples; real people have a dash there.
- *images kept*. The first 24 of each person; all others are scored as they would be written and thrown away.
"""

from __future__ import annotations

from benchmarks.api.published import Published
from benchmarks.api.suite import Figure, Suite
from benchmarks.suites import common

TABLE_1 = ("adele", "kamala_harris", "joe_biden")


OF_PHOTOS = (
    *("maps_train", *common.IDENTITIES, "identity_pose", "accepted", "identity_rank", "true_identity"),
    "copy_distance",
)
"""what says something about a few real photos"""
METRICS = (
    *(*common.OF_PERSON, *common.OFF_REAL, "diversity", "diversity_x10", "pair_distance"),
    *("fid", "fid_inception", "kid", "precision", "recall", "copy_distance", "copy_rate"),
)

SUITE = Suite(
    name="synthesis",
    version=1,
    title="Synthesis",
    paper="Table 1, Figure 8",
    methods=("ojha", "diffaugment", "untuned", "mystyle"),
    metrics=METRICS,
    references=(
        common.floor(OF_PHOTOS, common.held_out_photos),
        common.ceiling(OF_PHOTOS, common.held_out_photos),
        common.fresh(METRICS),
    ),
    figures=(Figure("sheet", "synthesis", "Random images by each method, laid out as Figure 8."),),
    published=(
        Published(
            "Table 1 of MyStyle (Nitzan et al., 2022)",
            {
                "ojha": {"maps_train": (0.53, 0.08), "user_percent": 1.4, "diversity_x10": (2.42, 0.16)},
                "diffaugment": {"maps_train": (0.76, 0.05), "user_percent": 31.7, "diversity_x10": (2.99, 0.17)},
                "mystyle": {"maps_train": (0.79, 0.04), "user_percent": 68.9, "diversity_x10": (3.44, 0.16)},
                "real_photos": {"user_percent": 83.1},
            },
        ),
    ),
    presets={
        "smoke": common.SampleSettings(common.SHORT[1:], 60, "2 people, 60 images each: the plumbing"),
        "quick": common.SampleSettings(common.SHORT[1:], 500, "2 people, 500 images each: nine minutes on two cores"),
        "full": common.SampleSettings(common.EVERYBODY, 2000, "all 13 people, 2,000 images each: for a GPU"),
        "paper": common.SampleSettings(TABLE_1, 10_000, "the 3 people of Table 1, 10,000 images each: for a GPU"),
    },
    parts=common.sample_parts,
)
