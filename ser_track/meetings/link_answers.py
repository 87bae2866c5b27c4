"""Answers over the link of the notice: a refusal always counts, an agreement only from the person themselves.

Anyone with the link can open its page. So a first agreement needs a proof: the person's own link, where the meeting can
deliver one to them alone, or else a code that is shown in the meeting, which somebody outside does not see.
"""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, Protocol

from ser_track.errors import ForbiddenError, MeetingError
from ser_track.event_types import Notice
from ser_track.meetings.consent import Consents

MAX_AGREEMENTS: Final = 50
"""The most agreements of one person: each begins a stream. A refusal is always accepted."""
_VALID_S: Final = 300.0
_MAX_TRIES: Final = 5
_BETWEEN_S: Final = 20.0
"""The least time between two codes for one person, or two displays of one: each disturbs the meeting."""


class ConfirmationNeededError(MeetingError):
    """An agreement for a participant needs a confirmation from inside the meeting."""

    status = 403
    code = "confirmation_needed"


class Person(Protocol):
    """The part of an attendee that is needed here."""

    id: str
    given_name: str
    agreed: bool
    agreements: int


class LinkHost(Protocol):
    """The part of a roster that is needed here."""

    def refused(self, participant: str) -> None:
        """Somebody refused for a participant, and nobody over the link may undo it."""
        ...

    def accepted(self, participant: str, analysed: bool) -> None:
        """An answer counts."""
        ...

    def show_code(self, participant: str, code: str) -> None:
        """Show ``code`` in the meeting."""
        ...


@dataclass(frozen=True, slots=True)
class Proof:
    """What a request over the link brings with an answer; an empty string is nothing."""

    secret: str = ""
    """From the reply to an earlier answer."""
    key: str = ""
    """Of the participant's own link."""
    code: str = ""
    """As it was shown in the meeting."""


class LinkAnswers:
    """The link of one meeting."""

    def __init__(self, host: LinkHost, consents: Consents, *, personal: bool) -> None:
        """``personal``: each person gets a link of their own, so no code is shown in the meeting."""
        self._host = host
        self._consents = consents
        self._personal = personal
        self._keys: dict[str, str] = {}
        self._codes: dict[str, _Code] = {}

    def key_of(self, participant: str) -> str:
        """The key of the participant's own link."""
        return self._keys.setdefault(participant, secrets.token_urlsafe(16))

    def owner_of(self, key: str) -> str | None:
        """The participant whose own link has this key."""
        return next((one for one, known in self._keys.items() if _same(known, key)), None)

    def forget(self, participant: str) -> None:
        """The participant has left."""
        self._keys.pop(participant, None)
        self._codes.pop(participant, None)

    def give(self, foreign: str, person: Person, analysed: bool, proof: Proof) -> str:
        """Record an answer; returns the secret that allows to change it, empty if none does.

        Raises:
            ForbiddenError: somebody else has answered before, or the answer was changed too often.
            ConfirmationNeededError: an agreement needs the code that the meeting shows, or the participant's own link.
        """
        own = self.owner_of(proof.key) == person.id
        kept = self._consents.secret(foreign, person.given_name)
        same = kept is not None and _same(kept, proof.secret)
        if not (own or same or kept is None):
            if analysed:
                raise ForbiddenError(
                    "somebody else has answered for this participant; change it where they answered, or in the meeting"
                )
            self._host.refused(person.id)
            return ""
        given = proof.secret if same else secrets.token_urlsafe(16)
        if analysed:
            self._check_agreement(foreign, person, given, proof.code, own)
        self._consents.keep_secret(foreign, person.given_name, given, confirmed=analysed)
        self._host.accepted(person.id, analysed)
        return given

    def _check_agreement(self, foreign: str, person: Person, secret: str, code: str, own: bool) -> None:
        if not person.agreed and person.agreements >= MAX_AGREEMENTS:
            raise ForbiddenError("this answer was changed too often: the refusal stands until they join again")
        if own or self._consents.is_confirmed(foreign, person.given_name, secret):
            return
        if self._personal:
            raise ForbiddenError("only the participant can agree: in the meeting, or with the link that they got there")
        known = self._codes.setdefault(person.id, _Code())
        if not known.accepts(code):
            if known.is_due():
                self._host.show_code(person.id, known.text)
            raise ConfirmationNeededError(known.remedy(code))


def personal_notice(notice: Notice, key: str) -> Notice:
    """``notice`` with the link of the one person who gets it, if it has a link. The text is the same for everybody."""
    return notice if notice.url is None else replace(notice, own_url=f"{notice.url}?me={key}")


def code_notice(notice: Notice, participant: str, name: str, code: str) -> Notice:
    """What everybody in a meeting sees while somebody wants to agree for ``name`` over the link."""
    text = f"{name}: somebody wants to let the bot analyse your voice. If it is you, enter {code} at {notice.url}. "
    return replace(notice, text=text + "If not, you need not do anything.", participant=participant, code=code)


class _Code:
    """A code for one person. It ends when it was used, or after some time, or too many wrong tries."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self.text = ""
        self._now = now
        self._tries = 0
        self._made_at = self._shown_at = float("-inf")

    def accepts(self, code: str) -> bool:
        """Whether this is the code."""
        if not code or not self._holds():
            return False
        if _same(self.text, code.strip()):
            self.text = ""
            return True
        self._tries += 1
        return False

    def is_due(self) -> bool:
        """Whether `text`, perhaps new, is to be shown now."""
        now = self._now()
        if now - self._shown_at < _BETWEEN_S:
            return False
        if not self._holds():
            self.text, self._tries, self._made_at = f"{secrets.randbelow(1_000_000):06}", 0, now
        self._shown_at = now
        return True

    def remedy(self, code: str) -> str:
        """What the person can do who sent ``code``, which was not accepted."""
        if self._holds():
            wrong = "the code is wrong; " if code else ""
            return f"{wrong}to agree for this participant, give the code that the bot has just shown in the meeting"
        return f"there were too many wrong codes; the bot shows a new one if you try again in {_BETWEEN_S:.0f} s"

    def _holds(self) -> bool:
        return bool(self.text) and self._tries < _MAX_TRIES and self._now() - self._made_at < _VALID_S


def _same(known: str, given: str) -> bool:
    return secrets.compare_digest(known.encode(), given.encode(errors="surrogatepass"))
