"""What every test shares: time limits, a reproducible hypothesis profile and one real recording."""

import signal
from collections.abc import Generator

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from ser_track.chunk import FloatArray
from ser_track.cli.analyze.pool import usable_cores
from tests.helpers.signals import read_wav
from tests.helpers.watchdog import watched
from tests.paths import SPOKEN

WORKERS_PER_CPU = 2
"""Half of the time a test waits: for speech, which takes its time, or for a browser."""
LIMIT_S = 300.0
"""For one test with its fixtures; each limit of pytest-timeout is below."""

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # So are background jobs of a shell started, and what they start: no test could interrupt a program.
    signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile(
    "fast",
    max_examples=25,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("fast")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="run the slow tests too")


def _leaves_slow_tests_out(config: pytest.Config) -> bool:
    return not (config.getoption("--slow") or config.getoption("-m") or _are_chosen(config))


def _are_chosen(config: pytest.Config) -> bool:
    return all("::" in argument for argument in config.args)


def pytest_report_header(config: pytest.Config) -> str | None:
    return "slow tests are left out; --slow runs them" if _leaves_slow_tests_out(config) else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if _leaves_slow_tests_out(config):
        slow = [item for item in items if item.get_closest_marker("slow")]
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if item not in slow]


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """How many processes ``-n auto`` gets; none for chosen tests, which are sooner done than a process is started."""
    return 0 if _are_chosen(config) else WORKERS_PER_CPU * usable_cores()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    with watched(item, LIMIT_S):
        return (yield)


@pytest.fixture(scope="session")
def spoken() -> FloatArray:
    """Real speech with pauses, mono at 16 kHz."""
    if not SPOKEN.exists():
        pytest.skip("tests/data/spoken.wav is not there yet")
    samples = read_wav(SPOKEN)
    assert np.abs(samples).max() > 0.05
    return samples
