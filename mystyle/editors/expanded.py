"""The style branch of the expanded latent space (Yin et al., 2022, section 3.1): sparse directions of W+ (Eq. 1, 2).

They edit any inversion; one by the two branches themselves is edited by the directions of its own network. A strength
of 1 or -1 is s_k of the paper. How the content branch follows is the renderer's affair (``mystyle.expanded``).
"""

from __future__ import annotations

from collections.abc import Sequence

from mystyle.domains.domain import Domain
from mystyle.editors.directions import LinearEditor, require
from mystyle.expanded import FILE, Expanded, network_of
from mystyle.inversion import Codes
from mystyle.networks.two_branch import TwoBranch
from mystyle.types import WPlus


class ExpandedEditor(LinearEditor):
    name = "expanded"
    version = 1
    title = "Expanded latent space"
    files = (FILE,)

    def attributes(self, domain: Domain) -> tuple[str, ...]:
        """Those that its network was trained on; none where the domain has no such network."""
        return network_of(domain).attributes if domain.file(FILE) else ()

    def direction(self, attribute: str, domain: Domain) -> WPlus:
        return self.direction_of(attribute, network_of(domain))

    def direction_of(self, attribute: str, network: TwoBranch) -> WPlus:
        """d_k^sty of a network. Raises Unsupported for an attribute that it was not trained on."""
        require(attribute, network.attributes, self.name)
        return network.d_sty[network.attributes.index(attribute)].detach()

    def apply(self, codes: Codes, attribute: str, strengths: Sequence[float], domain: Domain) -> Codes:
        if not isinstance(codes.renderer, Expanded):
            return super().apply(codes, attribute, strengths, domain)
        return codes.moved(self.direction_of(attribute, codes.renderer.network), strengths)


EDITOR = ExpandedEditor()
