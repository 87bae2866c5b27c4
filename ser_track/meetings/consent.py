"""The consent answers in one meeting. They last as long as the meeting, also for people who leave and come back."""

from ser_track.event_types import Consent
from ser_track.meetings.names import skeleton


class Consents:
    """A refusal holds for anyone with the same id, or with a name that looks the same; an agreement needs both.

    On other servers a person who comes back may have a new id, and another person may get their old one. In case of
    doubt, nobody is analysed.
    """

    def __init__(self) -> None:
        """Nobody has answered."""
        self._agreed: dict[str, str] = {}
        """Skeletons of names, by the id of the person who agreed."""
        self._refused: dict[str, str] = {}
        """The same for people who refused."""
        self._secrets: dict[str, str] = {}
        self._confirmed: dict[str, tuple[str, str]] = {}
        """By id: the name and the secret with which somebody proved to be this person."""

    def of(self, foreign: str, name: str, mode: Consent) -> bool:
        """Whether somebody who has just joined may be analysed; ``mode`` applies to people who have not answered."""
        compared = skeleton(name)
        if self._agreed.get(foreign) == compared:
            return True
        return mode == "notice" and foreign not in self._refused and compared not in self._refused.values()

    def note(self, foreign: str, name: str, analysed: bool) -> None:
        """Remember an answer."""
        self._agreed.pop(foreign, None)
        self._refused.pop(foreign, None)
        (self._agreed if analysed else self._refused)[foreign] = skeleton(name)

    def renamed(self, foreign: str, name: str) -> None:
        """A person has a new name: their answer holds for it. A refusal still holds for the old name too."""
        if foreign in self._agreed:
            self._agreed[foreign] = skeleton(name)
        elif (before := self._refused.get(foreign)) is not None:
            self._refused[f"{foreign} as {before}"] = before
            self._refused[foreign] = skeleton(name)

    def secret(self, foreign: str, name: str) -> str | None:
        """The secret given to the first person who answered for them by link, if anyone did."""
        return self._secrets.get(foreign) or self._secrets.get(f"name {skeleton(name)}")

    def is_confirmed(self, foreign: str, name: str, secret: str) -> bool:
        """Whether somebody with this secret has proved to be the person with this id and name."""
        return self._confirmed.get(foreign) == (skeleton(name), secret)

    def keep_secret(self, foreign: str, name: str, secret: str, *, confirmed: bool = False) -> None:
        """Remember the secret for the person's id and for their name; ``confirmed``: its owner proved to be them."""
        if confirmed:
            self._confirmed[foreign] = (skeleton(name), secret)
        self._secrets[foreign] = self._secrets[f"name {skeleton(name)}"] = secret
