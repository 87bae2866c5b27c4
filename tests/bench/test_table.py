"""The table of many sizes of meeting."""

from bench.table import markdown


def test_a_row_is_one_line_and_what_a_server_does_not_have_is_empty() -> None:
    row = {"participants": 60, "levels": True, "cpu_ms_per_participant_s": 4.5, "provisional_due": None}
    heading, rule, line, broken = markdown([row, {"participants": 500, "levels": False, "error": "…"}]).splitlines()
    assert heading.startswith("| participants | levels | CPU ms per participant and second |")
    assert line.startswith("| 60 | yes | 4.5 |  |")
    assert broken.startswith("| 500 | no |  |")
    assert len({text.count("|") for text in (heading, rule, line, broken)}) == 1
