"""Claims of sections 4.3 and 4.4 and of appendix A of PTI, on generators tuned to one photo each, or to all of them."""

from __future__ import annotations

from functools import partial

from benchmarks.analysis.claims import Claim, Untestable, pair

REGULARISATION = "4.3 Locality regularisation"
ABLATION = "4.4 Ablation"
MARGIN = 0.006  # of the perceptual distance: a tenth of what the released code is content with

figure_15 = partial(Claim, REGULARISATION, "Figure 15", "tuning_locality", paper="PTI")
figure_14 = partial(Claim, REGULARISATION, "section 4.3, Figure 14", "tuning_locality", paper="PTI")
one_generator = partial(
    Untestable,
    REGULARISATION,
    "section 4.3, Figure 14",
    reason="one generator is tuned to everybody: its random codes are those of one fit, and not of several people",
    paper="PTI",
)
figure_17 = partial(Claim, REGULARISATION, "appendix A, Figure 17", "tuning_locality", paper="PTI")
figure_16 = partial(Claim, ABLATION, "section 4.4, Figure 16", "tuning_locality", paper="PTI")

CLAIMS = (
    figure_15(
        "With regularisation tuning changes images of random codes less",
        pair("alpha_30", "pivot_w", "in_domain_perceptual"),
        "less",
        primary=True,
    ),
    figure_15(
        "It shifts their identities less",
        pair("alpha_30", "pivot_w", "in_domain_identity"),
        "greater",
    ),
    figure_15(
        "The photo is reconstructed no worse",
        pair("alpha_30", "pivot_w", "perceptual"),
        "less",
        margin=-MARGIN,
        primary=True,
    ),
    one_generator("Tuning to several people changes images of random codes more than tuning to one"),
    one_generator("With regularisation several people change them less"),
    one_generator("And shift their identities less"),
    figure_14(
        "Photos of several people are reconstructed no worse with it",
        pair("together_alpha_30", "together", "perceptual"),
        "less",
        margin=-MARGIN,
    ),
    figure_17(
        "A small α, 8, is less effective than 30",
        pair("alpha_8", "alpha_30", "in_domain_perceptual"),
        "greater",
    ),
    figure_17(
        "So is a large one, 60",
        pair("alpha_60", "alpha_30", "in_domain_perceptual"),
        "greater",
    ),
    figure_17(
        "An extremely large α, 120, costs the photo",
        pair("alpha_120", "alpha_30", "perceptual"),
        "greater",
    ),
    figure_16(
        "Tuning at the mean code distorts more than at a pivot",
        pair("pivot_mean", "pivot_w", "perceptual"),
        "greater",
        primary=True,
    ),
    figure_16(
        "Tuning at a random code does, too",
        pair("pivot_random", "pivot_w", "perceptual"),
        "greater",
    ),
    figure_16(
        "So does optimising the code with the generator, from the mean",
        pair("joint_mean", "pivot_w", "perceptual"),
        "greater",
    ),
    figure_16(
        "And from a random code",
        pair("joint_random", "pivot_w", "perceptual"),
        "greater",
    ),
)
