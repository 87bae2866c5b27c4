"""A firewall: server and participant in networks of their own, with no way to each other but a third one's relay."""

import os
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from tests.helpers.programs import require_server, skip_or_fail

RELAY_FOR_SERVER = "10.0.1.1"
"""Where the server's network reaches the relay; the participant's cannot."""
RELAY_FOR_PARTICIPANT = "10.0.2.1"
SERVER = "10.0.1.2"
PARTICIPANT = "10.0.2.2"


class Walled:
    """Three network namespaces of Linux. Addresses and ports in them are their own: nobody else's can be in the way."""

    def __init__(self) -> None:
        self._ip = require_server("ip")
        # Two runs at a time must not meet.
        mark = f"ser-track-{os.getpid()}-{secrets.token_hex(3)}"
        self.server, self.relay, self.participant = (f"{mark}-{who}" for who in ("server", "relay", "participant"))

    def within(self, network: str) -> tuple[str, ...]:
        """The beginning of a command that is to run in ``network``."""
        return self._ip, "netns", "exec", network

    def has_route(self, network: str, address: str) -> bool:
        """Whether what is sent to ``address`` gets out of ``network`` at all."""
        return self._run("-n", network, "route", "get", address).returncode == 0

    def build(self, stack: ExitStack) -> None:
        """Make the networks and join two of them to the third's; ``stack`` takes them down."""
        for network in (self.server, self.relay, self.participant):
            self._make("netns", "add", network)
            stack.callback(self._run, "netns", "delete", network)
            self._make("-n", network, "link", "set", "lo", "up")
        self._join(self.server, SERVER, "to-server", RELAY_FOR_SERVER)
        self._join(self.participant, PARTICIPANT, "to-participant", RELAY_FOR_PARTICIPANT)

    def _join(self, network: str, address: str, relay_link: str, relay_address: str) -> None:
        ends = (network, "to-relay", address), (self.relay, relay_link, relay_address)
        self._make("-n", network, "link", "add", "to-relay", "type", "veth", "peer", relay_link, "netns", self.relay)
        for place, link, own in ends:
            self._make("-n", place, "address", "add", f"{own}/30", "dev", link)
            self._make("-n", place, "link", "set", link, "up")

    def _make(self, *arguments: str) -> None:
        made = self._run(*arguments)
        if made.returncode:
            command = f"ip {' '.join(arguments)}: {made.stderr.strip()}"
            skip_or_fail(f"no networks can be made here, as root can on Linux with veth ({command})")

    def _run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run([self._ip, *arguments], capture_output=True, text=True, check=False)


@contextmanager
def walled() -> Iterator[Walled]:
    """The networks, until the block ends."""
    networks = Walled()
    with ExitStack() as stack:
        networks.build(stack)
        yield networks
