"""The domain's generator as it is, projected to W+, with a code of its own for every layer."""

from baselines.domain_w import projected
from mystyle.projection import LatentProjectionSettings

METHOD = projected("domain_wplus", "Domain prior, W+", LatentProjectionSettings(space="w+"))
