"""A bad way between a server and a participant: packets get lost, come late, out of order, and twice.

The kernel's netem does that where the kernel has it. A program that passes frames on does it everywhere else, and is
seeded.
"""

import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass

import pytest

from tests.helpers.networks import Networks
from tests.helpers.programs import Program, require_server, running

SERVER = "10.0.3.1"
PARTICIPANT = "10.0.3.2"
_LINK = "cable"


@dataclass(frozen=True)
class Impairment:
    """What happens to a frame, in each direction; shares 0 … 1."""

    lost: float = 0.0
    delay_ms: int = 40
    jitter_ms: int = 0
    """Each frame takes up to so much less, or more."""
    early: float = 0.0
    """Not delayed at all: it overtakes those before it."""
    twice: float = 0.0

    def netem(self) -> list[str]:
        """The arguments of netem."""
        shares = {"loss": self.lost, "reorder": self.early, "duplicate": self.twice}
        return ["delay", f"{self.delay_ms}ms", f"{self.jitter_ms}ms"] + [
            word for name, share in shares.items() if share for word in (name, f"{100 * share:g}%")
        ]

    def arguments(self) -> list[str]:
        """The arguments of `tests.helpers.frame_forwarder`."""
        return [f"{value:g}" for value in (self.lost, self.delay_ms, self.jitter_ms, self.early, self.twice)]


class Apart(Networks):
    """The networks of a server and a participant."""

    def __init__(self) -> None:
        super().__init__()
        self.server, self.between, self.participant = map(self.name, ("server", "between", "participant"))

    def by_netem(self, stack: ExitStack, impairment: Impairment) -> None:
        """Join them by a cable with netem at both ends; skip where the kernel has none."""
        self.join((self.server, _LINK, SERVER), (self.participant, _LINK, PARTICIPANT))
        for network in (self.server, self.participant):
            command = ("-n", network, "qdisc", "add", "dev", _LINK, "root", "netem", *impairment.netem())
            made = subprocess.run([require_server("tc"), *command], capture_output=True, text=True, check=False)
            if "qdisc kind is unknown" in made.stderr:
                pytest.skip("this kernel has no netem (sch_netem)")
            assert made.returncode == 0, made.stderr

    def by_forwarder(self) -> None:
        """Join each of them to a third network; nothing passes that by itself."""
        self.join((self.server, _LINK, SERVER), (self.between, "server", None))
        self.join((self.participant, _LINK, PARTICIPANT), (self.between, "participant", None))


@asynccontextmanager
async def bad_network(impairment: Impairment, how: str) -> AsyncIterator[tuple[Apart, Program | None]]:
    """The networks, until the block ends; ``how`` is "netem" or "forwarder", which tells where it was late itself."""
    networks = Apart()
    with ExitStack() as stack:
        for network in (networks.server, networks.between, networks.participant):
            networks.add(stack, network)
        if how == "netem":
            networks.by_netem(stack, impairment)
            yield networks, None
            return
        networks.by_forwarder()
        python = (*networks.within(networks.between), sys.executable, "-m", "tests.helpers.frame_forwarder")
        async with running(*python, "server", "participant", *impairment.arguments()) as forwarder:
            await forwarder.wait_for("passing frames on")
            yield networks, forwarder
