"""Every error that this package raises on purpose.

    SerTrackError
    ├── ConfigError      the configuration, every problem in it at once
    ├── ModelError       a model file that is missing or does not fit
    ├── InferenceError   a model that failed while it ran
    ├── AudioError       audio that cannot be read or is not what was announced
    ├── WorkerError      a worker process that did not start, or does not answer
    └── MeetingError     a request that a meeting refuses; carries the HTTP status
        ├── BadRequestError    400
        ├── ForbiddenError     403
        ├── NotFoundError      404
        ├── MeetingFullError   409
        ├── CalledBackError    409
        ├── JoinError          502, a meeting on another server that cannot be joined, or was lost
        └── NoWorkerError      503

Each message names the thing, the reason and the remedy.
"""

from collections.abc import Sequence
from typing import Self


class SerTrackError(Exception):
    """Root of all errors of this package."""


class ConfigError(SerTrackError):
    """A configuration that cannot be used; ``problems`` lists all that is wrong with it."""

    def __init__(self, source: str, problems: Sequence[str]) -> None:
        self.source = source
        self.problems = tuple(problems)
        super().__init__(f"{source}: " + "; ".join(self.problems))


class ModelError(SerTrackError):
    """A model file that is missing, unreadable or of the wrong shape."""


class InferenceError(SerTrackError):
    """A model that raised while it ran on audio that had been accepted."""


class AudioError(SerTrackError):
    """Audio that cannot be decoded, is empty, or is not in the announced format."""


class WorkerError(SerTrackError):
    """A worker process that did not start, or does not answer."""


class MeetingError(SerTrackError):
    """A request that a meeting refuses. ``code`` is stable for programs, ``status`` is its HTTP status."""

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
    """There is no such room or participant."""

    status = 404
    code = "not_found"

    @classmethod
    def of_meeting(cls, identity: str) -> Self:
        """No meeting has this id."""
        return cls(f"there is no meeting '{identity[:60]}'; GET /meetings lists those there are")


class MeetingFullError(MeetingError):
    """A configured limit on rooms or participants is reached."""

    status = 409
    code = "full"


class CalledBackError(MeetingError):
    """The bot was called back from this meeting a short while ago."""

    status = 409
    code = "called_back"


class JoinError(MeetingError):
    """A meeting on another server cannot be joined, or was lost: which server, which room, at which step, and why."""

    status = 502

    def __init__(self, where: str, step: str, reason: str, code: str = "unreachable") -> None:
        """``where`` names server and room, and holds no secret; ``code`` is stable for programs."""
        self.code = code
        self.step = step
        self.reason = reason
        super().__init__(f"{where}: cannot {step}: {reason}")


class NoWorkerError(MeetingError):
    """No worker process can take the request just now; one will soon."""

    status = 503
    code = "restarting"

    def __init__(self) -> None:
        super().__init__("the process that would answer has ended and is being restarted; try again in a second")
