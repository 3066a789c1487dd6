"""The domain's generator as it is, projected to W+, with a code of its own for every layer."""

from baselines.domain_w import DomainPrior
from mystyle.projection import LatentProjectionSettings

METHOD = DomainPrior("domain_wplus", "Domain prior, W+", LatentProjectionSettings(space="w+"))
