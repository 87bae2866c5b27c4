"""What a parser cannot hide from its fuzzer: the bounds hold whatever it catches."""

import signal

import pytest

from fuzz.campaign import fuzz

FAULTY = "tests.helpers.faulty_parser"
WAITED_S = 2.0


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("allocates", "it allocated more memory than any input may"),
        ("allocates_in_a_thread", "it allocated more memory than any input may"),
        ("loops", "it took more than 5 s of CPU time"),
        ("loops_in_native_code", "it took more than 5 s of CPU time"),
        ("waits", f"it waited for {WAITED_S:g} s"),
        ("leaves", "it ended the process"),
        ("crashes", f"it crashed ({signal.SIGABRT.name})"),
        ("raises", "it raised an error that is not a refusal"),
    ],
)
def test_a_fault_is_found_with_its_input_though_the_parser_swallows_it(name: str, reason: str) -> None:
    found = fuzz(name, 12345, module=FAULTY, stuck_s=WAITED_S)
    assert found is not None
    assert (found.target, found.reason, found.data) == (name, reason, b"12345")
    if name.startswith("allocates"):
        assert "an allocation failed at " in found.output
        assert "faulty_parser.py" in found.output


def test_a_parser_without_a_fault_is_left_alone() -> None:
    assert fuzz("parses", 12345, module=FAULTY) is None
