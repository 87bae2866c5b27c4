"""What people of one meeting answered, for as long as the meeting lasts; also when they leave and come back."""

from ser_track.types import Consent


class Consents:
    """Refusals hold for whoever has the id or the name of who refused; agreements for the id alone.

    On other servers a person who comes back may have a new id. Where that leaves a doubt, nobody is analysed.
    """

    def __init__(self, mode: Consent) -> None:
        """``mode`` is what holds for who has not answered."""
        self.mode = mode
        self._answers: dict[str, bool] = {}
        self._refused_names: dict[str, str] = {}
        """Names as compared, and the id of who refused."""
        self._secrets: dict[str, str] = {}

    def of(self, foreign: str, name: str) -> bool:
        """Whether somebody who has just come may be analysed."""
        if foreign in self._answers:
            return self._answers[foreign]
        return self.mode == "notice" and _compared(name) not in self._refused_names

    def note(self, foreign: str, name: str, analysed: bool) -> None:
        """Remember an answer."""
        self._answers[foreign] = analysed
        if not analysed:
            self._refused_names[_compared(name)] = foreign
        elif self._refused_names.get(_compared(name)) == foreign:
            del self._refused_names[_compared(name)]

    def secret(self, foreign: str, name: str) -> str | None:
        """What whoever answered for this person from outside the meeting was given, if anybody did."""
        return self._secrets.get(foreign) or self._secrets.get(f"name {_compared(name)}")

    def keep_secret(self, foreign: str, name: str, secret: str) -> None:
        """Remember it, for the person's id and for their name."""
        self._secrets[foreign] = self._secrets[f"name {_compared(name)}"] = secret


def _compared(name: str) -> str:
    return " ".join(name.split()).casefold()
