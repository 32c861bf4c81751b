"""Every parser of what comes from outside, as something that bytes can be thrown at."""

from collections.abc import Mapping

from tests.safety.targets import backend, cvat, labelstudio, model
from tests.safety.targets.target import Target

TARGETS: Mapping[str, Target] = {
    target.name: target for part in (backend, cvat, labelstudio, model) for target in part.TARGETS
}
