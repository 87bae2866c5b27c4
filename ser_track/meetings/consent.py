"""What people of one meeting answered, for as long as the meeting lasts; also when they leave and come back."""

from ser_track.event_types import Consent


class Consents:
    """Refusals hold for whoever has the id or the name of who refused; agreements for both together.

    On other servers a person who comes back may have a new id, and another may be given theirs. Where that leaves a
    doubt, nobody is analysed.
    """

    def __init__(self) -> None:
        """Nobody has answered."""
        self._agreed: dict[str, str] = {}
        """Names as compared, by the id of who agreed."""
        self._refused: dict[str, str] = {}
        """The same of who refused."""
        self._secrets: dict[str, str] = {}

    def of(self, foreign: str, name: str, mode: Consent) -> bool:
        """Whether somebody who has just come may be analysed; ``mode`` is what holds for who has not answered."""
        compared = _compared(name)
        if self._agreed.get(foreign) == compared:
            return True
        return mode == "notice" and foreign not in self._refused and compared not in self._refused.values()

    def note(self, foreign: str, name: str, analysed: bool) -> None:
        """Remember an answer."""
        self._agreed.pop(foreign, None)
        self._refused.pop(foreign, None)
        (self._agreed if analysed else self._refused)[foreign] = _compared(name)

    def renamed(self, foreign: str, name: str) -> None:
        """Somebody goes by another name from now on: their answer holds for it, a refusal for the one before too."""
        if foreign in self._agreed:
            self._agreed[foreign] = _compared(name)
        elif (before := self._refused.get(foreign)) is not None:
            self._refused[f"{foreign} as {before}"] = before
            self._refused[foreign] = _compared(name)

    def secret(self, foreign: str, name: str) -> str | None:
        """What whoever answered for this person from outside the meeting was given, if anybody did."""
        return self._secrets.get(foreign) or self._secrets.get(f"name {_compared(name)}")

    def keep_secret(self, foreign: str, name: str, secret: str) -> None:
        """Remember it, for the person's id and for their name."""
        self._secrets[foreign] = self._secrets[f"name {_compared(name)}"] = secret


def _compared(name: str) -> str:
    return " ".join(name.split()).casefold()
