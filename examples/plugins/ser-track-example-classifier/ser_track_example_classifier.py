"""Three labels by loudness alone: not a model of emotion, but everything that ser_track needs from one."""

import numpy as np

from ser_track import FloatArray, LabelSet, Prediction, VoiceProfile

LEVELS_DBFS = np.array([-45.0, -30.0, -15.0])


class LoudnessClassifier:
    """An `EmotionClassifier`; threads may share it, because it keeps nothing between calls."""

    name = "loudness@0.1.0"
    licence = "MIT"
    labels = LabelSet.of(
        ["quiet", "even", "raised"],
        titles={"raised": "raised voice"},
        colours={"raised": "#c2361b"},
        symbols={"quiet": "drop", "even": "bar", "raised": "triangle"},
    )

    def new_voice(self) -> VoiceProfile | None:
        """It does not adapt to voices."""
        return None

    def classify(self, samples: FloatArray, voice: VoiceProfile | None = None) -> Prediction:
        """Judge ``samples`` ``[n]`` at 16 kHz: the closer its level is, the more likely is a label."""
        level_dbfs = 10 * np.log10(np.mean(np.square(samples, dtype=np.float64)) + 1e-12)
        likelihoods = np.exp(-np.abs(LEVELS_DBFS - level_dbfs) / 5)
        return Prediction(np.asarray(likelihoods / likelihoods.sum(), np.float32))
