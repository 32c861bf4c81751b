"""Sets up a project in a running Label Studio: labelling configuration, backend, webhook, images, a trial click."""

from plugins.labelstudio.setup.connecting import BasicAuth
from plugins.labelstudio.setup.server import Server
from plugins.labelstudio.setup.steps import Wishes, set_up

__all__ = ["BasicAuth", "Server", "Wishes", "set_up"]
