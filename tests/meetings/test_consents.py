"""Answers outlive the stay of who gave them, and where there is a doubt nobody is analysed."""

from ser_track.meetings.consents import Consents


def test_who_has_not_answered_is_as_the_mode_says() -> None:
    assert Consents("notice").of("1", "Ann")
    assert not Consents("required").of("1", "Ann")


def test_an_answer_holds_for_the_id() -> None:
    required, notice = Consents("required"), Consents("notice")
    required.note("1", "Ann", analysed=True)
    notice.note("1", "Ann", analysed=False)
    assert required.of("1", "Ann")
    assert not notice.of("1", "Ann")


def test_a_refusal_holds_for_the_name_too_and_an_agreement_does_not() -> None:
    required, notice = Consents("required"), Consents("notice")
    required.note("1", "Ann", analysed=True)
    assert not required.of("2", "Ann"), "somebody else may have this name"
    notice.note("1", "Ann", analysed=False)
    assert not notice.of("2", " ann "), "it may well be her"
    assert notice.of("3", "Bob")


def test_who_refused_and_then_agreed_may_be_analysed_under_that_name_again() -> None:
    notice = Consents("notice")
    notice.note("1", "Ann", analysed=False)
    notice.note("1", "Ann", analysed=True)
    assert notice.of("2", "Ann")


def test_an_agreement_of_another_with_the_name_lifts_no_refusal() -> None:
    notice = Consents("notice")
    notice.note("1", "Ann", analysed=False)
    notice.note("2", "Ann", analysed=True)
    assert not notice.of("3", "Ann")
    assert notice.of("2", "Ann")
