"""The page of each rater: one HTML file with its images, which needs no network and sends nothing.

What a page holds tells nothing of methods: images are written anew from their pixels, all in one format, sorted by the
hash of what comes out; questions are numbered by a hash; and a text alternative says which of two images it is.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image

from benchmarks.engine.records import RecordError
from mystyle.files import sha256
from mystyle.image_files import open_image, read_pixels
from reports import html
from reports.runs import Case, Run
from reports.study.design import Asked
from reports.study.files import Question, Study
from reports.study.protocol import ANSWERS, Protocol

LOSSLESS = 256  # px a side, up to which images are PNG; larger ones are JPEG, or a page would have hundreds of MB
QUALITY = 95
SHOWN = 4  # photos of the person beside a question
PARTS = ("given", "people", "shown")  # where a question has images
NOISE = 0.8  # the share of noise in an image that is obviously none


@dataclass
class _Images:
    """Images as data URIs by the hash of their bytes."""

    lossless: bool
    uris: dict[str, str] = field(default_factory=dict)

    def add(self, pixels: np.ndarray) -> str:
        """The hash of an image, uint8 [h, w, 3]."""
        file = io.BytesIO()
        image = PIL.Image.fromarray(pixels)
        if self.lossless:
            image.save(file, "PNG")
        else:
            image.save(file, "JPEG", quality=QUALITY, subsampling=0)
        digest = hashlib.sha256(file.getvalue()).hexdigest()
        kind = "png" if self.lossless else "jpeg"
        self.uris[digest] = f"data:image/{kind};base64,{base64.b64encode(file.getvalue()).decode('ascii')}"
        return digest


def pages(
    run: Run, protocol: Protocol, dealt: Sequence[Sequence[Asked]], known: Mapping[str, Sequence[Path]], seed: int
) -> tuple[Study, dict[str, str]]:
    """The key of the study, and the HTML of each rater's page.

    ``known`` has photos of each person that pages show; without them the raters have to know the people, by name.
    Raises ImageFileError if an image cannot be read.
    """
    shown = {asked.case.outputs[row] for page in dealt for asked in page for row in (asked.row, protocol.ours) if row}
    images = _Images(max(map(_side, shown)) <= LOSSLESS)
    drawn = _Drawn(protocol, known, images)
    raters = {f"{number:0{len(str(len(dealt)))}}": page for number, page in enumerate(dealt, 1)}
    asked = {rater: [drawn.question(question) for question in page] for rater, page in raters.items()}
    counts = [[question.counts for question in page] for page in dealt]
    about = [protocol.form, protocol.question, protocol.minutes, seed, asked, counts]
    study = hashlib.sha256(json.dumps(about).encode()).hexdigest()[:16]
    keys = {
        rater: tuple(_key(study, rater, place, question) for place, question in enumerate(page))
        for rater, page in raters.items()
    }
    jobs = sorted({path.parent.parent.name for path in shown})
    key = Study(
        study=study,
        suite=run.suite.name,
        paper=protocol.paper,
        form=protocol.form,
        question=protocol.question,
        ours=protocol.ours,
        minutes=protocol.minutes,
        seed=seed,
        jobs=tuple(jobs),
        raters=keys,
    )
    template = html.templates(run.folder).get_template("study.html.j2")
    texts = {}
    for rater, questions in asked.items():
        used = sorted(
            {digest for question in questions for part in ("given", "people", "shown") for digest in question[part]}
        )
        place = {digest: index for index, digest in enumerate(used)}
        for question, one in zip(questions, keys[rater], strict=True):
            question["id"] = one.id
            for part in PARTS:
                question[part] = [place[digest] for digest in question[part]]
        names = sorted({a.case.person.replace("_", " ") for a in raters[rater]}) if protocol.people else []
        data = {
            "study": study,
            "rater": rater,
            "answers": ANSWERS[protocol.form],
            "minutes": protocol.minutes,
            "questions": questions,
            "images": [images.uris[digest] for digest in used],
        }
        texts[rater] = template.render(protocol=protocol, data=data, names=[] if known else names)
    return key, texts


@dataclass(frozen=True)
class _Drawn:
    """Questions with the hashes of their images."""

    protocol: Protocol
    known: Mapping[str, Sequence[Path]]
    images: _Images
    memory: dict[tuple[Any, ...], str] = field(default_factory=dict)

    def question(self, asked: Asked) -> dict[str, Any]:
        """What a page shows of a question: texts, and images by their hash."""
        case, path = asked.case, asked.case.outputs[asked.row]
        width = _side(path)
        if self.protocol.form == "pair":
            other = self._noise(path) if asked.check else self._image(case.outputs[self.protocol.ours], width)
            pair = [self._image(path, width), other]
            shown = pair if asked.counts == ANSWERS["pair"][0] else pair[::-1]
        elif not asked.check:
            shown = [self._image(path, width)]
        elif asked.counts == ANSWERS["real"][0]:
            shown = [self._image(self.known[case.person][0], width)]
        else:
            shown = [self._noise(path)]
        return {
            "edit": edit_of(case) if self.protocol.edit else "",
            "person": case.person.replace("_", " ") if self.protocol.people and not self.known else "",
            "given": [self._image(case.input, width)] if self.protocol.given and case.input else [],
            "people": [self._image(photo, width) for photo in self.known.get(case.person, ())],
            "shown": shown,
        }

    def _image(self, path: Path, width: int) -> str:
        """At most ``width`` wide; one that is far smaller is enlarged so that its pixels can be seen."""
        if (path, width) not in self.memory:
            pixels = read_pixels(path)
            factor = 1.0 if width / 4 < pixels.shape[1] <= width else width / pixels.shape[1]
            if factor != 1:
                size = (width, round(pixels.shape[0] * factor))
                way = PIL.Image.Resampling.NEAREST if factor > 1 else PIL.Image.Resampling.LANCZOS
                pixels = np.asarray(PIL.Image.fromarray(pixels).resize(size, way))
            self.memory[path, width] = self.images.add(pixels)
        return self.memory[path, width]

    def _noise(self, path: Path) -> str:
        """The image under so much noise that little of it is left."""
        if (path,) not in self.memory:
            pixels = read_pixels(path)
            noise = np.random.default_rng(list(path.name.encode())).integers(256, size=pixels.shape)
            self.memory[(path,)] = self.images.add(((1 - NOISE) * pixels + NOISE * noise).round().astype(np.uint8))
        return self.memory[(path,)]


def edit_of(case: Case) -> str:
    """What was asked of an image, in words."""
    if case.edits:
        return ", then ".join(f"{'more' if by > 0 else 'less'} {name.replace('_', ' ')}" for name, by in case.edits)
    what = case.condition.replace("_", " ")
    return what if case.dose is None else f"{what}: {case.dose:g}"


def photos_of(run: Run, folder: Path, people: Sequence[str], seed: int) -> dict[str, list[Path]]:
    """Some reference photos of each person in ``folder/PERSON``, which are those of the run.

    Raises RecordError if one of them is not there or is another file.
    """
    photos = {name: digest for record in run.records for name, digest in record.photos.items()}
    found = {}
    for number, person in enumerate(people):
        names = sorted(name for name in photos if name.startswith(f"{person}/train/"))
        if not names:
            raise RecordError(f"--photos {folder}: the run has no reference photos of {person}; leave the flag out")
        order = np.random.default_rng([seed, number]).permutation(len(names))[:SHOWN]
        found[person] = [folder / names[i] for i in order]
        for path, name in zip(found[person], (names[i] for i in order), strict=True):
            if not path.is_file() or sha256(path) != photos[name]:
                raise RecordError(f"--photos {folder}: {name} is not the photo of the run; name its folder of people")
    return found


def _side(path: Path) -> int:
    with open_image(path) as image:
        return image.width


def _key(study: str, rater: str, place: int, asked: Asked) -> Question:
    name = hashlib.sha256(f"{study} {rater} {place}".encode()).hexdigest()[:12]
    if asked.check:
        return Question(id=name, counts=asked.counts)
    case = asked.case
    return Question(
        id=name,
        counts=asked.counts,
        row=asked.row,
        condition=case.condition,
        person=case.person,
        case=case.case,
        seed=case.seed,
    )
