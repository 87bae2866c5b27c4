"""The new head on made-up embeddings: labels are directions, voices are offsets."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from ser_track.chunk import FloatArray
from ser_track.cli.manifest import Clip
from ser_track.cli.tune import calls
from ser_track.cli.tune.head import Material, Seen, cross_validated, folds_of
from ser_track.cli.tune.heard import Indices, View
from ser_track.evaluation import expected_calibration_error
from ser_track.voice_profile import VoiceProfile

SIZE = 12


def made_up(n_labels: int, spread: float, seed: int = 0, offset: float = 1.5) -> tuple[Indices, list[str], FloatArray]:
    """Labels, speakers and embeddings of 8 speakers with 6 clips of each label."""
    rng = np.random.default_rng(seed)
    labels = np.tile(np.repeat(np.arange(n_labels), 6), 8)
    speakers = np.repeat(np.arange(8), 6 * n_labels)
    voices = offset * rng.standard_normal((8, SIZE))
    embedding = (
        2 * np.eye(n_labels, SIZE)[labels] + voices[speakers] + spread * rng.standard_normal((len(labels), SIZE))
    )
    return labels, [f"s{i}" for i in speakers], embedding.astype(np.float32)


def seen(embedding: FloatArray, played: list[calls.Call]) -> Seen:
    clips, rows, known = [], [], []
    for call in played:
        voice = VoiceProfile(SIZE)
        for clip, counts in call:
            if counts:
                clips.append(clip)
                rows.append((embedding[clip] - voice.mean) / voice.deviation)
                known.append(voice.segments / (voice.segments + 4))
            voice.update(embedding[clip])
    return Seen(np.array(clips), View(np.array(rows, np.float32), np.array(known, np.float32), {}))


def material(labels: Indices, speakers: list[str], embedding: FloatArray, asks: bool = False) -> Material:
    nothing = np.zeros(len(labels), np.float32)
    clips = [
        Clip(f"{i}.wav", Path("x"), int(label), name)
        for i, (label, name) in enumerate(zip(labels, speakers, strict=True))
    ]
    return Material(
        labels,
        int(labels.max()) + 1,
        np.ones(len(labels), np.float32),
        Seen(np.arange(len(labels)), View(embedding, nothing, {})),
        seen(embedding, list(calls.to_learn(labels, speakers, None))),
        seen(embedding, list(calls.to_judge(clips, None))),
        asks,
    )


def right(given: Material, where: Seen, probabilities: NDArray[np.float64]) -> float:
    return float((probabilities.argmax(axis=1) == given.labels[where.clip]).mean())


@pytest.mark.parametrize("n_labels", [2, 3, 5])
def test_it_learns_labels_and_is_better_when_it_knows_the_voice(n_labels: int) -> None:
    labels, speakers, embedding = made_up(n_labels, spread=0.7)
    given = material(labels, speakers, embedding)
    fold = folds_of(labels, speakers)
    assert fold is not None
    judgement, head, _ = cross_validated(given, fold)
    for probabilities in (judgement.alone, judgement.called):
        np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    alone, called = right(given, given.alone, judgement.alone), right(given, given.called, judgement.called)
    assert called > alone > 1.2 / n_labels
    assert head.weights.shape == (SIZE, n_labels)
    final = (embedding @ head.weights + head.bias).argmax(axis=1)
    assert (final == labels).mean() >= alone - 0.05


def test_labels_that_cannot_be_told_apart_are_judged_as_chance_with_little_confidence() -> None:
    labels, speakers, embedding = made_up(4, spread=1.0)
    shuffled = np.random.default_rng(3).permutation(labels)
    fold = folds_of(shuffled, speakers)
    assert fold is not None
    given = material(shuffled, speakers, embedding)
    judgement, _, _ = cross_validated(given, fold)
    assert right(given, given.alone, judgement.alone) < 0.4
    assert judgement.alone.max(axis=1).mean() < 0.45
    assert expected_calibration_error(shuffled, judgement.alone) < 0.15


def test_confidence_grows_with_how_well_the_voice_is_known_where_the_file_asks() -> None:
    labels, speakers, embedding = made_up(4, spread=0.7, offset=3)
    fold = folds_of(labels, speakers)
    assert fold is not None
    _, one, _ = cross_validated(material(labels, speakers, embedding), fold)
    assert one.temperatures[0] == one.temperatures[1]
    _, two, _ = cross_validated(material(labels, speakers, embedding, asks=True), fold)
    assert two.temperatures[0] > two.temperatures[1]


def test_little_evidence_of_speech_moves_results_towards_equal_shares() -> None:
    labels, speakers, embedding = made_up(3, spread=0.3)
    fold = folds_of(labels, speakers)
    assert fold is not None
    given = material(labels, speakers, embedding)
    evidence = np.where(np.arange(len(labels)) % 2, 0, 1).astype(np.float32)
    judgement, _, _ = cross_validated(replace(given, evidence=evidence), fold)
    np.testing.assert_allclose(judgement.alone[1::2], 1 / 3)
    assert judgement.alone[::2].max(axis=1).mean() > 0.5


def test_the_same_material_gives_the_same_head() -> None:
    labels, speakers, embedding = made_up(3, spread=0.7)
    fold = folds_of(labels, speakers)
    assert fold is not None
    heads = [cross_validated(material(labels, speakers, embedding), fold)[1] for _ in range(2)]
    assert heads[0].weights.tobytes() == heads[1].weights.tobytes()
    assert heads[0].temperatures == heads[1].temperatures


def test_no_speaker_is_in_two_parts_and_no_label_is_missing_in_the_rest() -> None:
    # Each speaker has one label only, as in corpora of spontaneous speech.
    labels = np.repeat([0, 0, 0, 1, 1, 1, 2, 2, 2], 5)
    speakers = [f"s{i // 5}" for i in range(45)]
    fold = folds_of(labels, speakers)
    assert fold is not None
    assert all(len({fold[i] for i in range(45) if speakers[i] == name}) == 1 for name in set(speakers))
    assert all(set(labels[fold != part]) == {0, 1, 2} for part in set(fold.tolist()))
    assert len(set(fold.tolist())) > 1


def test_a_label_of_one_speaker_cannot_be_divided() -> None:
    labels = np.array([0] * 10 + [1] * 10)
    assert folds_of(labels, ["a"] * 10 + ["b"] * 10) is None
    fold = folds_of(labels, None)
    assert fold is not None
    assert set(fold.tolist()) == set(range(5))
