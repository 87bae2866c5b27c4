"""A firewall: server and participant in networks of their own, with no way to each other but a third one's relay."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from tests.helpers.networks import Networks

RELAY_FOR_SERVER = "10.0.1.1"
"""Where the server's network reaches the relay; the participant's cannot."""
RELAY_FOR_PARTICIPANT = "10.0.2.1"
SERVER = "10.0.1.2"
PARTICIPANT = "10.0.2.2"


class Walled(Networks):
    """Three networks; two of them are joined to the third's."""

    def __init__(self) -> None:
        super().__init__()
        self.server, self.relay, self.participant = map(self.name, ("server", "relay", "participant"))

    def build(self, stack: ExitStack) -> None:
        """Make the networks; ``stack`` takes them down."""
        for network in (self.server, self.relay, self.participant):
            self.add(stack, network)
        self.join((self.server, "to-relay", SERVER), (self.relay, "to-server", RELAY_FOR_SERVER))
        self.join((self.participant, "to-relay", PARTICIPANT), (self.relay, "to-participant", RELAY_FOR_PARTICIPANT))


@contextmanager
def walled() -> Iterator[Walled]:
    """The networks, until the block ends."""
    networks = Walled()
    with ExitStack() as stack:
        networks.build(stack)
        yield networks
