"""Figure 5 of MAGEC: pairs of edits by 30 photography experts, five minutes each, about 30 pairs in that time.

They chose "their preferred edit according to quality and coherence to the edit operation". Each edit set one of ten
attributes to a random value by StyleFlow or GANSpace, InterFaceGAN being left out because it supervises the loss; here
the edits are those of the run, and 60 pairs are there for whoever is quick.
"""

from reports.study.protocol import Protocol

PROTOCOL = Protocol(
    paper="Figure 5 of MAGEC",
    form="pair",
    question="Which edit do you prefer, by its quality and by how well it does what was asked?",
    ours="magec",
    rows=("magec_off", "i2s_pp"),
    people=False,
    given="Photo",
    edit=True,
    raters=30,
    items=60,
    minutes=5,
)
