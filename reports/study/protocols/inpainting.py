"""Table 2 of MyStyle (section 5.2): "an input image and two results, one of ours and one of a baseline".

430 answers; the number of users is not said. The images are "a randomly sampled subset" of those in the table.
"""

from reports.study.protocol import Protocol

PROTOCOL = Protocol(
    paper="Table 2 of MyStyle (Nitzan et al., 2022)",
    form="pair",
    question="Which result better resembles the person and is more faithful to the input?",
    ours="mystyle",
    rows=("comodgan", "comodgan_ft", "diffaugment"),
    given="Input",
)
