"""Claims of section 3.4."""

from __future__ import annotations

from functools import partial

from benchmarks.analysis.claims import Claim, pair

claim = partial(Claim, "3 Method", "section 3.4", "edit_policies")

CLAIMS = (
    *(
        claim(
            f"Edits of the {name} that are projected back to P_β keep the identity more than edits that go on",
            pair("project", "continue", "identity", (attribute,)),
            "greater",
        )
        for attribute, name in (("yaw", "pose"), ("smile", "smile"))
    ),
    *(
        claim(
            f"They come nearer to the wanted {name} than edits that stop",
            pair("project", "stop", "edit_error", (attribute,)),
            "less",
        )
        for attribute, name in (("yaw", "pose"), ("smile", "smile"))
    ),
)
