"""SeFa (Shen and Zhou, 2021) with names: a direction of some layers, in these layers, for each main attribute."""

from mystyle.editors.labelled import Labelled
from mystyle.editors.sefa import EDITOR as SEFA

EDITOR = Labelled(SEFA, "sefa_labelled", "SeFa, labelled")
