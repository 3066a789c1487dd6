"""FaceNet (Schroff et al., 2015): Inception-ResNet v1 of the package ``facenet-pytorch``, trained on VGGFace2."""

from __future__ import annotations

from facenet_pytorch import InceptionResnetV1
from torch import Tensor, nn

from mystyle.types import Image

SIZE = 160  # px of a chip
STANDARDISED = 127.5 / 128
"""what the package's fixed standardisation, (p - 127.5) / 128 of pixels p in [0, 255], does to images in [-1, 1]"""


class FaceNet(nn.Module):
    """Chips [n, 3, 160, 160] to embeddings [n, 512] of unit norm, compared by their cosine."""

    size = SIZE

    def __init__(self) -> None:
        super().__init__()
        self.config: dict[str, int] = {}
        self.network = InceptionResnetV1(pretrained=None)

    def forward(self, chips: Image) -> Tensor:
        """Gradients reach the chips. Raises ValueError on another size."""
        if chips.shape[-2:] != (SIZE, SIZE):
            raise ValueError(f"chips must be {SIZE} px square, got {tuple(chips.shape[-2:])}")
        embedding: Tensor = self.network(chips * STANDARDISED)
        return embedding

    def similarity(self, a: Tensor, b: Tensor) -> Tensor:
        """Cosines [n, m] of embeddings [n, 512] and [m, 512]."""
        return a @ b.T
