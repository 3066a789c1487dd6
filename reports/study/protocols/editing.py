"""Table 4 of MyStyle (section 5.3): "the percentages of questions in which the compared method was preferred".

Neither the question nor what was shown is described. Here a pair is the same photo turned to the same yaw, with the
photo beside it, and the question is that of enhancement.
"""

from reports.study.protocol import Protocol

PROTOCOL = Protocol(
    paper="Table 4 of MyStyle (Nitzan et al., 2022)",
    form="pair",
    question="Which result better resembles the person and better shows the edit?",
    ours="mystyle",
    rows=("domain_w", "diffaugment"),
    conditions=("yaw",),
    given="Photo",
    edit=True,
)
