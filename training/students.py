"""The students by name."""

from typing import Final

from training.convolutional import ConvolutionalNetwork
from training.network import SHAPES, Network, WhisperNetwork

CONVOLUTIONAL: Final = "conv-8"
STUDENTS: Final = (*SHAPES, CONVOLUTIONAL)


def student(shape: str) -> Network:
    """A new network of this name: Whisper's weights where it has some, random ones elsewhere."""
    return ConvolutionalNetwork() if shape == CONVOLUTIONAL else WhisperNetwork(SHAPES[shape])
