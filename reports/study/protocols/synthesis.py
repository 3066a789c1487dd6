"""Table 1 of MyStyle (section 5.1): "an image which was either real or synthesized by one of the methods".

45 users who knew the people gave 1674 answers, 37 each. How often an image came from which method is not said; here
all rows come equally often.
"""

from reports.study.protocol import Protocol

PROTOCOL = Protocol(
    paper="Table 1 of MyStyle (Nitzan et al., 2022)",
    form="real",
    question="Does this look like a real photo of the person?",
    rows=("ojha", "diffaugment", "mystyle", "real_photos"),
    raters=45,
    items=37,
)
