"""StyleFlow (Abdal et al., 2021): edits by a conditional continuous normalising flow (``mystyle/networks/flow.py``).

A code goes forward under what its image shows and backward under what it shall show; then only some layers are taken
(``MAIN``). The paper has 17 conditions, of which 9 describe the light; here they are the main attributes that the
domain's reader reads. A strength is added to the condition, in deviations of the population.

An edited code is under the conditions that it was edited to, and is not read again, so that edits can follow each other
and be undone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor

from mystyle.checkpoints import load_network
from mystyle.domains.domain import Domain
from mystyle.editors.attributes import layers_of, main_attributes, standardised
from mystyle.editors.directions import require
from mystyle.inversion import Codes
from mystyle.networks.flow import Flow
from mystyle.protocols import OwnNetwork
from mystyle.types import Unsupported, WPlus

TOLERANCE = 1e-7  # of the solver, in double precision: an edit can be undone, where training has 1e-5


def untrained(domain: Domain, hidden: Sequence[int] = (512,) * 3) -> Flow:
    """A flow of the domain's W, under its reader's main attributes."""
    return Flow(domain.generator.w_dim, main_attributes(domain.reader), hidden, domain.w_name)


NETWORK = OwnNetwork(
    "styleflow.safetensors", "python -m mystyle.pretrain styleflow", untrained, partial(load_network, Flow)
)


class StyleFlow:
    name = "styleflow"
    version = 1
    title = "StyleFlow"
    files = (NETWORK.file,)
    networks = (NETWORK,)
    differentiable = False

    def flow(self, domain: Domain) -> Flow:
        """The domain's, in double precision. Raises Unsupported where there is none, ValueError if it is another's."""
        file = domain.file(NETWORK.file)
        if file is None:
            raise Unsupported(f"domain {domain.name} has no {NETWORK.file}; {NETWORK.command} trains it")
        flow = NETWORK.read(file)
        assert isinstance(flow, Flow)
        if flow.config["space"] != domain.w_name:
            raise ValueError(f"{file}: made for another generator; train it again with {NETWORK.command}")
        return flow.double().to(domain.device)

    def attributes(self, domain: Domain) -> tuple[str, ...]:
        """The flow's conditions; none where the domain has no flow."""
        return self.flow(domain).attributes if domain.file(NETWORK.file) else ()

    def apply(self, codes: Codes, attribute: str, strengths: Sequence[float], domain: Domain) -> Codes:
        return self.edited(codes, attribute, strengths, domain, self.flow(domain))

    def inverse(self, codes: Codes, attribute: str, strengths: Sequence[float], domain: Domain) -> Codes:
        return self.apply(codes, attribute, [-strength for strength in strengths], domain)

    @torch.no_grad()
    def edited(self, codes: Codes, attribute: str, strengths: Sequence[float], domain: Domain, flow: Flow) -> Codes:
        """``apply`` by a flow in double precision."""
        require(attribute, flow.attributes, self.name)
        k, layers = flow.attributes.index(attribute), list(layers_of(attribute, domain.generator.num_ws))
        old = codes.remembered.get(self.name)
        if old is None:
            old = standardised(codes.render(), domain.reader, flow.attributes)
        new = old[:, None].repeat(1, len(strengths), 1)  # [n, S, K]
        new[:, :, k] += torch.tensor(strengths).to(new)
        found = changes(flow, codes.ws[:, layers].double(), old.double(), new.double())
        everywhere = codes.ws.new_zeros(*new.shape[:2], *codes.ws.shape[1:])
        everywhere[:, :, layers] = found.to(everywhere)
        return replace(codes.displaced(everywhere), remembered={self.name: new.flatten(0, 1)})


def changes(flow: Flow, w: WPlus, old: Tensor, new: Tensor) -> Tensor:
    """What conditions ``new`` [n, S, K] for ``old`` [n, K] change in the layers w [n, L, w_dim]: [n, S, L, w_dim].

    It is the difference of two ways back, so that the solver's error cancels where nothing changes. All are solved
    together: what the steps that suit some do to others is of the solver's tolerance, that of float32.
    """
    n, layers, s = *w.shape[:2], new.shape[1]
    z = flow(w.flatten(0, 1), old.repeat_interleave(layers, dim=0), TOLERANCE).unflatten(0, (n, 1, layers))
    conditions = torch.cat([new, old[:, None]], dim=1)[:, :, None].expand(-1, -1, layers, -1)
    back = flow.inverse(z.expand(-1, s + 1, -1, -1).flatten(0, 2), conditions.flatten(0, 2), TOLERANCE)
    ways: Tensor = back.unflatten(0, (n, s + 1, layers))
    return ways[:, :-1] - ways[:, -1:]


EDITOR = StyleFlow()
