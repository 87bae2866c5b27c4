"""Every error that this package raises on purpose.

    SerTrackError
    ├── ConfigError          the configuration cannot be used; every problem in it at once
    ├── ModelError           a model file is missing or does not fit
    ├── InferenceError       a model failed while it ran
    │   └── SegmentError     the classifier failed on one segment; the stream goes on
    ├── AudioError           audio cannot be read, or does not have the expected format
    ├── ClosedError          something was used after it was closed
    ├── WorkerError          a worker process did not start, or does not answer
    └── MeetingError         a meeting refuses a request; carries the HTTP status
        ├── BadRequestError      400
        ├── ForbiddenError       403
        ├── NotFoundError        404
        ├── MeetingFullError     409
        ├── CalledBackError      409
        ├── JoinError            502, a meeting on another server cannot be joined, or was lost
        ├── NoWorkerError        503
        └── OverloadedError      503, the system has no descriptor or memory left for the request

Each message names the thing, the reason and the remedy. `except SerTrackError` catches all of them;
programming mistakes stay what they are in Python, a `TypeError` for instance.
"""

from collections.abc import Sequence
from typing import Final, Self

_MAX_QUOTED: Final = 200


class SerTrackError(Exception):
    """Root of all errors of this package.

    >>> try:
    ...     SERPipeline(channels=0)
    ... except SerTrackError as error:
    ...     print(error)
    configuration: pipeline.channels must be from 1 to 32, not 0
    """


class ConfigError(SerTrackError):
    """The configuration cannot be used; ``problems`` lists everything that is wrong with it."""

    def __init__(self, source: str, problems: Sequence[str]) -> None:
        self.source = source
        self.problems = tuple(problems)
        super().__init__(f"{source}: " + "; ".join(self.problems))


class ModelError(SerTrackError):
    """A model file is missing, unreadable or has the wrong shape."""


class InferenceError(SerTrackError):
    """A model failed while it ran on audio that had been accepted."""


class SegmentError(InferenceError):
    """The classifier failed on one segment, which then has no result. The stream goes on."""


class AudioError(SerTrackError):
    """Audio cannot be decoded, is empty, or does not have the expected format."""


class ClosedError(SerTrackError):
    """Something was used after it was closed."""


class WorkerError(SerTrackError):
    """A worker process did not start, or does not answer."""


class MeetingError(SerTrackError):
    """A meeting refuses a request. Programs can rely on ``code``; ``status`` is the HTTP status."""

    status = 400
    code = "refused"


class BadRequestError(MeetingError):
    """The request is malformed."""

    code = "bad_request"


class ForbiddenError(MeetingError):
    """The token, the origin or the secret is wrong."""

    status = 403
    code = "forbidden"


class NotFoundError(MeetingError):
    """The room or participant does not exist."""

    status = 404
    code = "not_found"

    @classmethod
    def of_meeting(cls, identity: str) -> Self:
        """No meeting has this id."""
        return cls(f"there is no meeting '{identity[:60]}'; GET /meetings lists all meetings")


class MeetingFullError(MeetingError):
    """A configured limit on rooms or participants is reached."""

    status = 409
    code = "full"


class CalledBackError(MeetingError):
    """The bot was called back from this meeting a short time ago."""

    status = 409
    code = "called_back"


class JoinError(MeetingError):
    """A meeting on another server cannot be joined, or was lost. Names the server, room, step and reason."""

    status = 502

    def __init__(self, where: str, step: str, reason: str, code: str = "unreachable") -> None:
        """``where`` names server and room, and contains no secret; programs can rely on ``code``."""
        self.code = code
        self.step = step
        self.reason = reason
        super().__init__(f"{where}: cannot {step}: {reason}")


class NoWorkerError(MeetingError):
    """No worker process can take the request at the moment; one will be able to soon."""

    status = 503
    code = "restarting"

    def __init__(self) -> None:
        super().__init__("the process that would answer has ended and is being restarted; try again in a second")


class OverloadedError(MeetingError):
    """The system has nothing left to serve the request with: no file descriptor, or no memory for a socket."""

    status = 503
    code = "overloaded"


def brief(error: Exception) -> str:
    """What Python says of ``error``, for use in another message; cut, because it may quote a whole input."""
    said = repr(error)
    return said if len(said) <= _MAX_QUOTED else f"{said[: _MAX_QUOTED - 2]} …"
