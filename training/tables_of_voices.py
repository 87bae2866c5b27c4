"""Tables of what adaptation does, and of voices without words: for `training.tables`."""

from typing import Final

from training.tables_of_training import Record, percent, table

_MODELS: Final = ("small", "base")


def bursts(record: Record) -> str:
    """What is told of laughs, sobs and growls."""
    rows = []
    for kind in record[_MODELS[0]]["bursts"]:
        shares = [record[name]["bursts"][kind] for name in _MODELS]
        rows.append([kind.replace("_", ", "), *(", ".join(_told(of)) for of in shares)])
    return table(["the contributor was asked for", *(f"told by {name}" for name in _MODELS)], rows)


def _told(of: Record) -> list[str]:
    likeliest = sorted(of.items(), key=lambda item: -item[1])
    return [f"{name} {percent(share)}" for name, share in likeliest if share >= 0.05]


def drift(record: Record) -> str:
    """Accuracy by thirds of a long call."""
    rows = []
    for corpus, title in (("cremad_test", "CREMA-D, 20 unseen speakers"), ("ravdess", "RAVDESS, an unseen corpus")):
        for name in _MODELS:
            of = record[name][corpus]["drift"]
            rows.append([title, name, percent(of["alone"][0]), *(percent(third) for third in of["adapted"])])
    return table(["speakers", "model", "alone", "adapted: first third", "second", "last"], rows)


def adaptation(record: Record) -> dict[str, str]:
    """Ways to adapt by call; temperatures; newcomers."""
    tests = list(record["rules"])
    calls = list(next(iter(record["rules"][tests[0]].values())))
    rows = [
        [test, rule, *(f"{scores[call]:.1f}" for call in calls)]
        for test in tests
        for rule, scores in record["rules"][test].items()
    ]
    words = [
        [voices, *(f"{uar:.1f} / {neutral:.1f}" for uar, neutral in of.values())]
        for voices, of in record["first_words"].items()
    ]
    heat = [[test, f"{of['alone']:.2f}", f"{of['in calls']:.2f}"] for test, of in record["temperatures"].items()]
    return {
        "rules": table(["speakers", "way to adapt", *calls], rows),
        "first_words": table(["newcomers", "alone", "with half of what three others sound like"], words),
        "temperatures": table(["speakers", "nothing known of the voice", "voice known"], heat),
    }
