"""What every test shares: a reproducible hypothesis profile and one real recording."""

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from ser_track.chunk import FloatArray
from tests.helpers.signals import read_wav
from tests.paths import SPOKEN

settings.register_profile(
    "fast",
    max_examples=25,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("fast")


@pytest.fixture(scope="session")
def spoken() -> FloatArray:
    """Real speech with pauses, mono at 16 kHz."""
    if not SPOKEN.exists():
        pytest.skip("tests/data/spoken.wav is not there yet")
    samples = read_wav(SPOKEN)
    assert np.abs(samples).max() > 0.05
    return samples
