"""The page of evidence: the numbers of ``figures.json`` in tables, with what can and cannot be concluded from them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

_ANGLES = ("yaw", "pitch", "tilt", "body_turn", "gaze_x", "gaze_y", "light_angle", "light_height")
UNITS = dict.fromkeys(_ANGLES, "degrees") | {"age": "years", "eye_slant": "rad", "ear_angle": "rad"}
# of the manifest; the others run over a range of their own


def write_page(path: Path, figures: Mapping[str, Any]) -> None:
    """Writes the page of the ``figures`` that ``make_report`` collects."""
    sections = [head, samples, distribution, spaces, paths, inversion, verification, attributes, two_branches, foot]
    found = [section for section in sections if section not in (spaces, two_branches) or section.__name__ in figures]
    path.write_text("\n\n".join(section(figures) for section in found) + "\n", encoding="utf-8")


def head(f: Mapping[str, Any]) -> str:
    asked, data = f["settings"], f["data"]
    fewer = [
        f"{used} {what} instead of the {asked[flag]} asked for with --{flag}"
        for flag, what, used in (
            ("samples", "held-out portraits for the distributions", next(iter(f["distribution"].values()))["n"]),
            ("inversions", "people for the inversions", f["inversion"]["n"]),
        )
        if used < asked[flag]
    ]
    files = ", ".join(f"`{name}` {digest[:12]}" for name, digest in f["weights"].items())
    text = f"""# Evidence

Written by `python -m mystyle.pretrain report --samples {asked["samples"]} --inversions {asked["inversions"]}
--steps {asked["steps"]} --seed {asked["seed"]}`; every number is in `figures.json`. Nothing on this page
was selected by eye.

- Held-out set: {data["images"]:,} portraits of {data["people"]:,} people at {data["resolution"]} px, manifest
  {data["manifest"][:12]}. They must be rendered with another seed than the training population, which the
  command cannot check.
- Networks, by SHA-256: {files}.
- Seed {asked["seed"]} decides codes, halves, people and the noise of the descent. Generated images have the constant
  noise maps and no truncation, and are rounded to 8 bits before they are measured (except along paths).
- Machine: {f["machine"]}; torch {f["torch"]}."""
    return text + (f"\n- Fewer images were available than asked for: {'; '.join(fewer)}." if fewer else "")


def samples(f: Mapping[str, Any]) -> str:
    return """## Samples and portraits

![Generated portraits](samples.png)

The first 64 codes of the seed, uncurated and without truncation.

![Held-out portraits](portraits.png)

Held-out portraits in the same layout, one photo per person as far as there are people."""


def distribution(f: Mapping[str, Any]) -> str:
    rows = [
        (
            name, f"{r['n']:,}", f"{r['people']:,}", f"{r['fid']:.2f}",
            f"{1e3 * r['kid']:.2f} ± {1e3 * r['kid_std_over_subsets']:.2f}",
            f"{r['precision']:.3f}", f"{r['recall']:.3f}",
        )
        for name, r in f["distribution"].items()
    ]  # fmt: skip
    titles = ("compared", "n of each", "people in the real set", "FID", "KID x 1000", "precision", "recall")
    return f"""## Distribution

{table(titles, rows)}

All in the last hidden layer of the domain's feature network, so that no number may be set beside one in Inception or
VGG features. FID has a bias that falls with n: compare rows of the same n only. KID has none; its deviation is over 100
subsets. Precision and recall with k = 3. The halves have no person in common. Their row is what real images reach;
the fewer the people, the easier it is to do better, since n samples show n people, and photos of one person lie close
together, where the balls of k neighbours become small. With as many people as images, none should be better.
These features were trained on identities and attributes and hardly respond to blur and artefacts, so the numbers
measure variety and resemblance; for image quality, see the samples above. Where the held-out people are of another
family than those whom the generator learned from, the rows of samples measure that gap."""


def spaces(f: Mapping[str, Any]) -> str:
    rows = [
        (name, *(f"{r[key]:.3f}" for key in ("skewness", "excess_kurtosis", "correlation", "outliers")))
        for name, r in f["spaces"].items()
    ]
    rows.append(("normal", "0", "0", "0", "0.046"))
    titles = ("space", "skewness", "excess kurtosis", "correlation of two", "beyond 2 deviations")
    return f"""## Spaces of codes

{table(titles, rows)}

Random codes in W, in P, where the mapping network's last activation is undone, and in P-norm, where P is whitened
(II2S, section 3): means over coordinates, of sizes but for the kurtosis. Samples of P-norm, each coordinate by itself,
are a row of the table above; the paper has an FID of 3.28 for them and 2.81 for its generator's.

![Spaces](spaces.png)

Two coordinates drawn at random in each space, beside the normal distribution of their mean and deviation, and both
together, laid out as Figure 1 of II2S."""


def paths(f: Mapping[str, Any]) -> str:
    rows = [
        (name, f"{r['mean']:.4g}", f"{r['median']:.4g}", f"{r['n']:,}", f"{r['kept']:,}")
        for name, r in f["path_length"].items()
    ]
    epsilon = next(iter(f["path_length"].values()))["epsilon"]
    return f"""## Path length and interpolations

{table(("path", "mean", "median of all", "n", "kept"), rows)}

Perceptual path length with epsilon {epsilon:g}, no crop, the domain's perceptual distance at the native size; means
after dropping what is below the 1st and above the 99th percentile. Straight lines in W, great circles in Z; "t = 0" is
how StyleGAN2 is usually reported. The distance is not LPIPS: compare with other pages of the same features only.
It divides activations by their norm and is discontinuous where all channels of a pixel leave zero. A mean far above the
median comes from the few paths that cross such a point, and grows as epsilon shrinks; the median does not.

![Interpolations](interpolations.png)

The same pairs of codes joined in W and in Z; rows with one number have the same ends."""


def inversion(f: Mapping[str, Any]) -> str:
    found = f["inversion"]
    rows = [
        (name, *(within(r[key]) for key in ("mse", "perceptual", "identity", "identity_to_others")))
        for name, r in found["results"].items()
    ]
    rows.append(("the photo itself", "0", "0", "1", within(found["photo to the person's others"])))
    titles = ("found in", "MSE", "perceptual distance", "identity to the photo", "identity to the other photos")
    w, w_plus = (found["results"][name]["identity_to_others"]["mean"] for name in ("W, descent", "W+, descent"))
    own, others = (found[f"photo to {whom}"] for whom in ("the person's others", "other people"))
    return f"""## Inversion of unseen people

{table(titles, rows)}

One photo each of {found["n"]} held-out people, before any tuning; mean ± standard deviation over them. MSE on [-1, 1];
identity is the cosine of embeddings, "other photos" are those of the same person. Descent: {found["steps"]:,} steps of
StyleGAN2's projector from the mean code, on MSE and perceptual distance.

The last column is the one to compare: the photo itself has {own["mean"]:.3f}, two different people have
{within(others)}. A descent in W changes the photo's value by {w - own["mean"]:+.3f}, in W+ by
{w_plus - own["mean"]:+.3f}: the gap is what personalisation has to close. Nothing here was trained on, or descends
on, the network that measures identity.

![Inversions](inversions.png)

The first {min(8, found["n"])} of these people."""


def two_branches(f: Mapping[str, Any]) -> str:
    rows = [(name, f"{share:.0%}") for name, share in f["two_branches"]["zeros"].items()]
    return f"""## Expanded latent space

![Directions](directions.png)

The style branch's direction of each attribute over its largest entry: layers from the coarsest, down, and dimensions of
the code. Entries below a hundredth of the largest:

{table(("attribute", "zero"), rows)}

![Relevance](relevance.png)

One held-out portrait, not edited and with more of each attribute: by the style branch alone, refined by the content
branch, and where this keeps the photo's features (white) in each block."""


def verification(f: Mapping[str, Any]) -> str:
    found = f["verification"]
    rows = [
        ("equal error rate", f"{found['equal_error_rate']:.2%}"),
        ("area under the curve", f"{found['auc']:.4f}"),
        ("true accepts at 0.1 % false accepts", f"{found['true_accepts_at_0.1%']:.2%}"),
        ("pairs of one person", f"{found['pairs_of_one_person']:,}"),
        ("pairs of two people", f"{found['pairs_of_two_people']:,}"),
    ]
    return f"""## Verification on unseen people

{table(("", ""), rows)}

![ROC](roc.png)

Whether two portraits show one person, by the cosine of their identity embeddings; all pairs of the held-out set. Pairs
share people, so there is less evidence in them than their number suggests."""


def attributes(f: Mapping[str, Any]) -> str:
    found = f["attributes"]
    if not found:
        return "## Attributes\n\nThe judge has no attribute heads."
    rows = [
        (
            name, UNITS.get(name, ""), f"{r['mae']:.3g}", f"{r['mae_of_median']:.3g}", number(r["r2"]),
            number(r["rank_correlation"]),
        )
        for name, r in found.items()
    ]  # fmt: skip
    titles = ("attribute", "unit", "mean absolute error", "that of the median", "R²", "rank correlation")
    return f"""## Attributes

{table(titles, rows)}

Read by the judge, the network that measures identity, on the same images, against the parameters that they were
rendered from. Without a unit: on the parameter's own range, where the error of always predicting the median is the
reference.

![Attributes](attributes.png)"""


def foot(f: Mapping[str, Any]) -> str:
    return "## Time\n\n" + table(("part", "seconds"), f["seconds"].items())


def within(r: Mapping[str, float]) -> str:
    return f"{r['mean']:.3f} ± {r['std']:.3f}"


def number(x: float | None) -> str:
    return "-" if x is None else f"{x:.3f}"


def table(titles: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A table in Markdown: the first column to the left, the others to the right."""
    lines = [titles, ["---", *["---:"] * (len(titles) - 1)], *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)
