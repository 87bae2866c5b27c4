"""What every refusal owes to the person who reads it."""

from typing import Final

MAX_REASON: Final = 2_000
"""Characters: a message may quote its input, not repeat it."""


def require_reason(error: Exception) -> None:
    """Fail if ``error`` says nothing, or floods the terminal."""
    said = str(error)
    assert said.strip(), f"{type(error).__name__} without a reason"
    assert len(said) <= MAX_REASON, f"a reason of {len(said)} characters"
