"""GANSpace (Haerkoenen et al., 2020) with names: a principal component in a range of layers for each main attribute."""

from mystyle.editors.ganspace import EDITOR as GANSPACE
from mystyle.editors.labelled import Labelled

EDITOR = Labelled(GANSPACE, "ganspace_labelled", "GANSpace, labelled")
