"""The domain of ``mystyle.domains.faces`` at 1024 px."""

from __future__ import annotations

from mystyle.domains.faces import Faces

DOMAIN = Faces("faces1024", 1024)
