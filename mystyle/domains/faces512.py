"""The domain of ``mystyle.domains.faces`` at 512 px."""

from __future__ import annotations

from mystyle.domains.faces import Faces

DOMAIN = Faces("faces512", 512)
