"""Answers outlive the stay of who gave them, and where there is a doubt nobody is analysed."""

from ser_track.meetings.consent import Consents


def test_who_has_not_answered_is_as_the_mode_says() -> None:
    assert Consents().of("1", "Ann", "notice")
    assert not Consents().of("1", "Ann", "required")


def test_an_answer_holds_whatever_the_mode() -> None:
    consents = Consents()
    consents.note("1", "Ann", analysed=True)
    consents.note("2", "Bob", analysed=False)
    assert consents.of("1", "Ann", "required")
    assert not consents.of("2", "Bob", "notice")


def test_an_agreement_is_of_one_person_and_needs_both_id_and_name() -> None:
    consents = Consents()
    consents.note("1", "Ann", analysed=True)
    assert not consents.of("2", "Ann", "required"), "somebody else may have this name"
    assert not consents.of("1", "Bob", "required"), "and somebody else may have been given this id"


def test_a_refusal_holds_for_the_id_and_for_the_name() -> None:
    consents = Consents()
    consents.note("1", "Ann", analysed=False)
    assert not consents.of("2", " ann ", "notice"), "it may well be her"
    assert not consents.of("1", "Annie", "notice")
    assert consents.of("3", "Bob", "notice")


def test_who_refused_and_then_agreed_may_be_analysed_under_that_name_again() -> None:
    consents = Consents()
    consents.note("1", "Ann", analysed=False)
    consents.note("1", "Ann", analysed=True)
    assert consents.of("2", "Ann", "notice")


def test_an_agreement_of_another_with_the_name_lifts_no_refusal() -> None:
    consents = Consents()
    for guest in ("1", "2"):
        consents.note(guest, "Guest", analysed=False)
    consents.note("2", "Guest", analysed=True)
    assert not consents.of("3", "Guest", "notice")
    assert consents.of("2", "Guest", "notice")


def test_who_goes_by_another_name_takes_their_answer_along() -> None:
    consents = Consents()
    consents.note("1", "Ann", analysed=False)
    consents.renamed("1", "Annie")
    consents.note("2", "Bob", analysed=True)
    consents.renamed("2", "Robert")
    assert [consents.of("3", name, "notice") for name in ("Ann", "Annie", "Bob")] == [False, False, True]
    assert consents.of("2", "Robert", "required")
    consents.renamed("4", "Cy")
    assert consents.of("4", "Cy", "notice")
