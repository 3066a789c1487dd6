"""Table 3 of MyStyle (section 5.2): that of inpainting, with 366 answers.

The paper has one factor, from inputs of 32 px; here it is the one with inputs of that size.
"""

from dataclasses import replace

from reports.study.protocols import inpainting

PROTOCOL = replace(
    inpainting.PROTOCOL,
    paper="Table 3 of MyStyle (Nitzan et al., 2022)",
    rows=("gpen", "gpen_ft", "diffaugment"),
    conditions=("x4",),
)
