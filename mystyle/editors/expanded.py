"""The style branch of the expanded latent space (Yin et al., 2022, section 3.1): sparse directions of W+ (Eq. 1, 2).

They edit any inversion; one by the two branches themselves is edited by the directions of its own network. A strength
of 1 or -1 is s_k of the paper. How the content branch follows is the renderer's affair (``mystyle.expanded``).
"""

from __future__ import annotations

from collections.abc import Sequence

from mystyle.domains.domain import Domain
from mystyle.expanded import FILE, Expanded, network_of
from mystyle.inversion import Codes
from mystyle.types import Unsupported


class ExpandedEditor:
    name = "expanded"
    version = 1
    title = "Expanded latent space"
    files = (FILE,)
    differentiable = True

    def attributes(self, domain: Domain) -> tuple[str, ...]:
        """Those that its network was trained on; none where the domain has no such network."""
        return network_of(domain).attributes if domain.file(FILE) else ()

    def apply(self, codes: Codes, attribute: str, strengths: Sequence[float], domain: Domain) -> Codes:
        network = codes.renderer.network if isinstance(codes.renderer, Expanded) else network_of(domain)
        if attribute not in network.attributes:
            raise Unsupported(f"unknown direction {attribute!r}; {self.name} has here: {', '.join(network.attributes)}")
        return codes.moved(network.d_sty[network.attributes.index(attribute)].detach(), strengths)

    def inverse(self, codes: Codes, attribute: str, strengths: Sequence[float], domain: Domain) -> Codes:
        """The way back; exact where codes move freely."""
        return self.apply(codes, attribute, [-strength for strength in strengths], domain)


EDITOR = ExpandedEditor()
