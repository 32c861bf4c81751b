"""OpenVINO itself, without its telemetry.

On import it would tell Google Analytics that it has been imported, and every conversion besides, unless the user has
opted out. Nothing here reports to anybody: without the package that does it the library goes on with an empty one. A
program that has imported the library before this one decides for itself.
"""

import sys
from typing import Any, cast

cast(dict[str, Any], sys.modules).setdefault("openvino_telemetry", None)

import openvino as ov  # noqa: E402 - only now

__all__ = ["ov"]
