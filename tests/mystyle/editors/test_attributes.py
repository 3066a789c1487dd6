"""What readings of codes are."""

import torch

from mystyle.classifier import deviations
from mystyle.editors import attributes
from mystyle.editors.attributes import read_codes
from mystyle.editors.directions import sample_w


def test_codes_are_read_by_their_images_in_any_number(tiny_domain, monkeypatch):
    g, names = tiny_domain.generator, ("yaw", "smile")
    ws = sample_w(g, 5, 0)[:, None].expand(-1, g.num_ws, -1)
    with torch.no_grad():
        expected = deviations(g.synthesis(ws, noise="const").clamp(-1, 1), tiny_domain.reader, names)
    monkeypatch.setattr(attributes, "BATCH", 2)
    torch.testing.assert_close(read_codes(ws, tiny_domain, names), expected, rtol=1e-4, atol=1e-4)  # other batches
