"""Every editor keeps the promises of ``mystyle.protocols.Editor``; a new file in mystyle/editors is tested as it is."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from few_codes import few_codes

from mystyle.domains.domain import Domain, InMemory
from mystyle.editing import AlphaCodes, EditSettings
from mystyle.editors.directions import DirectionEditor, sample_w, save_directions
from mystyle.editors.interfacegan import EDITOR as INTERFACEGAN
from mystyle.editors.interfacegan import FILE
from mystyle.editors.sefa import EDITOR as SEFA
from mystyle.editors.vector import EDITOR as VECTOR
from mystyle.inversion import Codes, SharedGenerator
from mystyle.latents.anchors import Anchors
from mystyle.latents.subspace import AlphaCode, dilation, sample_a0, to_w
from mystyle.plugins import EDITORS
from mystyle.protocols import Editor
from mystyle.types import Unsupported

STRENGTHS = (-1.0, 0.0, 2.5)


@pytest.fixture(scope="module", params=EDITORS.names())
def name(request) -> str:
    return request.param


@pytest.fixture(scope="module")
def editor(name) -> Editor:
    return EDITORS.load(name)


@pytest.fixture(scope="module", autouse=True)
def few():
    with pytest.MonkeyPatch.context() as patch:
        few_codes(patch)
        yield


@pytest.fixture(scope="module")
def domain(tiny_domain) -> Domain:
    """A store of its own for what editors find in it."""
    return replace(tiny_domain, fits=InMemory())


@pytest.fixture(scope="module")
def attribute(editor, domain, tmp_path_factory) -> str:
    """The first that it has; of an editor that reads files, the path of one."""
    known = editor.attributes(domain)
    if known:
        return known[0]
    file = tmp_path_factory.mktemp("vectors") / "smile.pt"
    torch.save(torch.randn(domain.generator.w_dim, generator=torch.Generator().manual_seed(4)), file)
    return str(file)


@pytest.fixture(scope="module")
def codes(domain) -> Codes:
    """Two free codes of W+."""
    g = domain.generator
    ws = sample_w(g, 2 * g.num_ws, seed=1).unflatten(0, (2, g.num_ws))
    return Codes(ws=ws, renderer=SharedGenerator(g), rows=(0, 1))


def test_it_is_an_editor_named_like_its_file(name, editor):
    assert isinstance(editor, Editor)
    assert editor.name == name and editor.version >= 1 and editor.title
    assert isinstance(editor.files, tuple) and isinstance(editor.differentiable, bool)


def test_attributes_are_names_and_the_same_every_time(editor, domain):
    known = editor.attributes(domain)
    assert len(set(known)) == len(known) and all(isinstance(each, str) and each for each in known)
    assert editor.attributes(domain) == known


def test_every_attribute_can_be_applied_and_no_two_are_the_same_edit(editor, domain, codes):
    edits = [editor.apply(codes, each, [1.0], domain).ws for each in editor.attributes(domain)]
    for i, edit in enumerate(edits):
        assert edit.isfinite().all() and not torch.equal(edit, codes.ws)
        assert not any(torch.allclose(edit, other, atol=1e-6) for other in edits[:i])


def test_a_strength_of_zero_is_no_edit(editor, domain, codes, attribute):
    edited = editor.apply(codes, attribute, [0.0], domain)
    assert torch.equal(edited.ws, codes.ws) and edited.rows == codes.rows
    assert torch.equal(edited.render(), codes.render())


def test_strengths_run_fastest_and_every_code_is_edited_by_itself(editor, domain, codes, attribute):
    edited = editor.apply(codes, attribute, STRENGTHS, domain)
    assert edited.rows == (0, 0, 0, 1, 1, 1) and edited.renderer is codes.renderer
    assert edited.ws.shape == (6, *codes.ws.shape[1:])
    for i in range(2):
        one = Codes(ws=codes.ws[i : i + 1], renderer=codes.renderer, rows=(i,))
        for j, strength in enumerate(STRENGTHS):
            alone = editor.apply(one, attribute, [strength], domain)
            torch.testing.assert_close(alone.ws[0], edited.ws[3 * i + j])
            assert alone.rows == (i,)


def test_codes_given_are_left_as_they_are(editor, domain, codes, attribute):
    before = codes.ws.clone()
    editor.apply(codes, attribute, STRENGTHS, domain)
    editor.inverse(codes, attribute, STRENGTHS, domain)
    assert torch.equal(codes.ws, before)


@pytest.mark.parametrize("strength", [-2.0, 0.5])
def test_inverse_undoes_apply_for_free_codes(editor, domain, codes, attribute, strength):
    edited = editor.apply(codes, attribute, [strength], domain)
    assert not torch.allclose(edited.ws, codes.ws)
    back = editor.inverse(edited, attribute, [strength], domain)
    torch.testing.assert_close(back.ws, codes.ws, atol=1e-5, rtol=0)  # float32 of size one
    assert back.rows == codes.rows


def test_gradients_pass_if_it_says_so(editor, domain, codes, attribute):
    free = replace(codes, ws=codes.ws.clone().requires_grad_())
    for verb in (editor.apply, editor.inverse):
        edited = verb(free, attribute, STRENGTHS, domain).ws
        if not editor.differentiable:
            assert not edited.requires_grad
            continue
        (gradient,) = torch.autograd.grad(edited.square().sum(), free.ws)
        assert gradient.isfinite().all() and (gradient.flatten(1).abs().sum(dim=1) > 0).all()


def test_an_edit_of_codes_in_a_prior_stays_within_it(editor, domain, attribute):
    g = domain.generator
    anchors = Anchors(sample_w(g, 6, seed=2), tuple(map(str, range(6))))
    alpha = sample_a0(6, 2, torch.Generator().manual_seed(3))[:, None].repeat(1, g.num_ws, 1)
    code = AlphaCode(alpha, anchors.hash)
    settings = EditSettings(beta=0.03)
    inside = AlphaCodes(
        ws=to_w(alpha, anchors),
        renderer=SharedGenerator(g),
        rows=(0, 1),
        code=code,
        anchors=anchors,
        editing=settings,
    )
    edited = editor.apply(inside, attribute, [0.0, 30.0], domain)
    assert isinstance(edited, AlphaCodes)
    assert (dilation(edited.code.alpha) <= 0.03 + 1e-6).all()  # float32
    torch.testing.assert_close(edited.code.alpha[[0, 2]], alpha)
    assert not torch.allclose(edited.ws[1], inside.ws[0])


@pytest.mark.parametrize("unknown", ["frown", "frown:0-1", "/nowhere/frown.pt"])
def test_an_unknown_attribute_is_unsupported_by_name(name, editor, domain, codes, unknown):
    error = ValueError if name == "vector" else Unsupported  # a file that cannot be read is a mistake of the user
    with pytest.raises(error, match="frown"):
        editor.apply(codes, unknown, [1.0], domain)


def test_what_is_found_in_a_domain_is_found_once(editor, tiny_domain, codes, attribute, monkeypatch):
    """By all that share a store, for as long as the weights are the same."""
    verb = next((verb for verb in ("find", "fit") if hasattr(editor, verb)), None)
    if verb is None:
        pytest.skip("finds nothing")
    found, find = [], getattr(type(editor), verb)

    def counted(self, domain, *arguments, **more):
        found.append(domain.name)
        return find.__get__(self)(domain, *arguments, **more)

    monkeypatch.setattr(type(editor), verb, counted)
    domain = replace(tiny_domain, fits=InMemory())
    first = editor.apply(codes, attribute, [1.0], domain).ws
    editor.attributes(domain), editor.attributes(replace(domain, name="tiny"))
    assert torch.equal(editor.apply(codes, attribute, [1.0], domain).ws, first)
    assert found == ["tiny"]
    another = replace(domain, weights={"generator.safetensors": "another"})
    editor.attributes(another), editor.apply(codes, attribute, [1.0], another)
    assert len(found) == 2


# Directions: limited to layers, in files


def test_a_range_of_layers_touches_these_alone(editor, domain, codes, attribute):
    if not isinstance(editor, DirectionEditor):
        pytest.skip("its attributes are no directions")
    whole = editor.apply(codes, attribute, [1.0], domain).ws - codes.ws
    some = editor.apply(codes, f"{attribute}:1-2", [1.0], domain).ws - codes.ws
    assert not some[:, [0, *range(3, some.shape[1])]].any()
    assert (some[:, 1:3].abs().amax(dim=-1) > 0).all()
    if editor is not SEFA:  # whose directions are those of the layers
        assert torch.equal(some[:, 1:3], whole[:, 1:3])
    kept = len(domain.fits.kept)
    editor.apply(codes, f"{attribute}:1-2", [2.0], domain)
    assert len(domain.fits.kept) == kept
    with pytest.raises(Unsupported, match="this generator has 0-7"):
        editor.apply(codes, f"{attribute}:4-8", [1.0], domain)


def test_sefa_has_other_directions_for_other_layers(domain):
    early, late = (SEFA.direction(f"sefa00:{layers}", domain) for layers in ("0-1", "5-6"))
    assert abs(float(torch.cosine_similarity(early[0], late[5], dim=0))) < 0.99
    with pytest.raises(Unsupported, match="unknown direction 'sefa99'; sefa has here: sefa00"):
        SEFA.direction("sefa99:0-1", domain)


def test_interfacegan_gives_more_of_what_the_reader_reads(domain):
    """An untrained reader is smooth in w all the same, so a step along the boundary's normal changes the mean."""
    g = domain.generator
    ws = sample_w(g, 100, seed=5)[:, None].expand(-1, g.num_ws, -1)
    codes = Codes(ws=ws, renderer=SharedGenerator(g), rows=tuple(range(100)))
    for attribute in INTERFACEGAN.attributes(domain):
        images = INTERFACEGAN.apply(codes, attribute, [-1.0, 1.0], domain).render()
        less, more = domain.reader.attributes(images.clamp(-1, 1))[attribute].unflatten(0, (100, 2)).mean(dim=0)
        assert more > less, attribute


def test_interfacegan_takes_the_directions_that_a_domain_ships(domain, codes, tmp_path):
    shipped = replace(domain, folder=tmp_path)
    age = torch.randn(domain.generator.w_dim, generator=torch.Generator().manual_seed(6))
    save_directions(tmp_path / FILE, {"age": age}, domain.weights["generator.safetensors"])
    assert INTERFACEGAN.attributes(shipped) == ("age",) and FILE in INTERFACEGAN.files
    assert torch.equal(INTERFACEGAN.apply(codes, "age", [1.0], shipped).ws, codes.ws + age)
    save_directions(tmp_path / FILE, {"age": age}, "another")
    with pytest.raises(ValueError, match=r"directions\.safetensors: made for another generator"):
        INTERFACEGAN.attributes(shipped)


def test_a_vector_keeps_its_length_and_zeros_or_other_shapes_are_refused(domain, codes, tmp_path):
    w_dim = domain.generator.w_dim
    torch.save(torch.full((1, 18, w_dim), 0.5), tmp_path / "alike.pt")
    assert torch.equal(VECTOR.apply(codes, str(tmp_path / "alike.pt"), [1.0], domain).ws, codes.ws + 0.5)
    assert VECTOR.attributes(domain) == ()
    torch.save(torch.zeros(w_dim), tmp_path / "zeros.pt")
    torch.save(torch.ones(w_dim + 1), tmp_path / "long.pt")
    for file, reason in (("zeros.pt", "all zero"), ("long.pt", f"one finite vector of {w_dim} numbers")):
        with pytest.raises(ValueError, match=rf"{file}: .*{reason}"):
            VECTOR.apply(codes, str(tmp_path / file), [1.0], domain)
