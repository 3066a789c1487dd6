"""How fast things are: ``python -m benchmarks.speed [--what WHAT]``.

``networks`` compares the generator with its oracle, ``choices`` removes its optimisations one at a time, ``mystyle``
compares the method with its official recipe, ``inversions`` inverts photos together and one by one, ``diversity`` times
that metric on ten thousand images, ``photographs`` the generator of faces and, with ``--album``, all stages from
somebody's photos to a projection.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True)
class Options:
    """The command line.

    Args:
        what: networks compares the generator with its oracle, choices removes its optimisations one at a time, mystyle
            compares our recipe of tuning and projecting with the official one, inversions inverts photos together and
            one by one, diversity times that metric, photographs the generator of faces and the way from an album to a
            prior
        sizes: in pixels; 128 is the shipped generator, the others have the official widths
        batch: images at a time; 16, 8, 4, 2 and 1 at 64, 128, 256, 512 and 1024 px by default
        device: where to compute; auto takes the GPU if there is one
        seconds: to spend on each pass of each round at least
        rounds: over which medians are taken
        person: of mystyle, whose photos; by default somebody who is not in the benchmark
        photos: of mystyle, to tune to; of diversity, reference photos
        held_out: of mystyle, photos to invert and to inpaint
        epochs: of mystyle, of the official recipe; 1000 in the released code
        preset: of mystyle, inversions and photographs, our recipe
        steps: of inversions, of every descent
        album: of photographs, a folder of one person's photos as they are
        least_pixels: of photographs, side of the smallest face that is kept
        lengths: of photographs, passes of the tunings that are compared
        out: a CSV file for the figures
    """

    what: Literal["networks", "choices", "mystyle", "inversions", "diversity", "photographs"] = "networks"
    sizes: tuple[int, ...] = (64, 128, 256, 1024)
    batch: int | None = None
    device: Literal["auto", "cpu", "cuda"] = "auto"
    seconds: float = 2.0
    rounds: int = 3
    person: str = "d01"
    photos: int = 12
    held_out: int = 5
    epochs: int = 1000
    preset: str = "quick"
    steps: int = 20
    album: Path | None = None
    least_pixels: float | None = None
    lengths: tuple[int, ...] = (0, 20, 40, 80)
    out: Path | None = None


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns the exit status."""
    from jsonargparse import ArgumentParser

    parser = ArgumentParser(prog="python -m benchmarks.speed", description=__doc__.split("\n\n")[0])
    parser.add_class_arguments(Options, as_group=False, skip={"sizes", "lengths"})
    sizes = (64, 128, 256, 512, 1024)
    parser.add_argument("--sizes", type=int, nargs="+", default=list(Options.sizes), choices=sizes)
    parser.add_argument("--lengths", type=int, nargs="+", default=list(Options.lengths))
    options = Options(**parser.parse_args(arguments).as_dict())
    from mystyle.prior import METHOD

    for flag in ("photos", "held_out", "epochs", "steps", "rounds"):
        if getattr(options, flag) < 1:
            parser.error(f"--{flag} {getattr(options, flag)}: at least 1 is needed")
    if options.preset not in METHOD.presets:
        parser.error(f"--preset {options.preset}: there are {', '.join(METHOD.presets)}")
    if options.out and not options.out.parent.is_dir():
        parser.error(f"--out: no folder {options.out.parent}")

    import pandas as pd
    import torch

    from benchmarks.engine.provenance import hardware
    from benchmarks.speed import diversity, inversions, method, networks, photographs

    device = options.device if options.device != "auto" else "cuda" if torch.cuda.is_available() else "cpu"
    print(f"{hardware(device)}, torch {torch.__version__}, {torch.get_num_threads()} threads")
    o = options
    if o.what == "mystyle":
        found = method.measure(o.person, o.photos, o.held_out, o.epochs, o.preset, device)
    elif o.what == "inversions":
        found = {"inversions": inversions.measure(o.steps, o.preset, device)}
    elif o.what == "diversity":
        found = {"diversity": diversity.measure(o.photos, device)}
    elif o.what == "photographs":
        try:
            found = photographs.measure(o.album, o.least_pixels, o.lengths, o.preset, device, o.seconds)
        except ValueError as error:  # of the album, or of the weights
            parser.error(str(error))
    else:
        found = {o.what: networks.compare(o.what, o.sizes, o.batch, device, o.seconds, o.rounds)}
    figures = pd.concat(found, names=["comparison", "row"])
    for name, rows in found.items():
        print(f"\n{name}\n{rows.to_string(index=False, float_format='{:.3g}'.format, na_rep='–')}")
    if o.out:
        figures.to_csv(o.out)
    return 0 if len(figures) else 1


if __name__ == "__main__":
    sys.exit(main())
