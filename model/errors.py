"""Every error that boundaryclick raises on purpose.

BoundaryClickError
├── InvalidClick      a click that is not a point of the image, or comes in the wrong order   (also ValueError)
├── InvalidImage      an array that is no image, or a mask that does not fit it              (also ValueError)
├── WeightsError      weights that are missing, damaged or made for another network
├── ImageRejected     image data from outside that is missing, corrupt, too large or not allowed
│   ├── ImageTooLarge    image data beyond a limit on bytes or pixels
│   └── AccessRefused    image data that its server does not give to us: a token is missing, wrong or expired
├── RequestInvalid    a request from outside that cannot be understood
├── SettingsError     a setting with a value that cannot be used
├── DatasetError      a data set that is not laid out as its reader expects
├── Unavailable       something that is needed, and that may be there again in a moment
│   ├── StoreError       a database that cannot be read or written just now
│   └── Overloaded       more is asked for than can be answered in time
└── Abandoned         work that nobody waits for any more

Each message is one line: what was expected, what came, what to do.
"""


class BoundaryClickError(Exception):
    """Base class: catch this to catch everything that boundaryclick raises on purpose."""


class InvalidClick(BoundaryClickError, ValueError):
    """A click that is not a point of the image, or that comes in the wrong order."""


class InvalidImage(BoundaryClickError, ValueError):
    """An array that is no image, or a mask that does not fit its image."""


class WeightsError(BoundaryClickError):
    """Weights that are missing, damaged or made for another network."""


class ImageRejected(BoundaryClickError):
    """Image data from outside that is missing, corrupt, too large or not allowed."""


class ImageTooLarge(ImageRejected):
    """Image data beyond a limit on bytes or pixels."""


class AccessRefused(ImageRejected):
    """Image data that its server does not give to us: a token is missing, wrong or expired."""


class RequestInvalid(BoundaryClickError):
    """A request from outside that cannot be understood."""


class SettingsError(BoundaryClickError):
    """A setting with a value that cannot be used."""


class DatasetError(BoundaryClickError):
    """A data set that is not laid out as its reader expects."""


class Unavailable(BoundaryClickError):
    """Something that is needed is busy or down: the same request may succeed in a moment."""


class StoreError(Unavailable):
    """A database that cannot be read or written just now: a full disk, a server that is down."""


class Overloaded(Unavailable):
    """More is asked for than can be answered in time."""


class Abandoned(BoundaryClickError):
    """Work that nobody waits for any more: whoever asked has closed the connection."""
