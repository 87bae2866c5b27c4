"""Trained networks in `training/cache/`. Needs torch."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

from training.network import Network
from training.spectra import CACHE
from training.students import STUDENTS, student


def weights_path(name: str) -> Path:
    """Where a trained network lies."""
    return CACHE / f"network-{name}.npz"


def resume(network: Network, path: Path) -> None:
    """Take the tensors of a stored network of the same shape; what it does not have stays as it is."""
    with np.load(path) as stored:
        network.load_state_dict(
            {name: torch.from_numpy(stored[name]) for name in network.state_dict() if name in stored}, strict=False
        )


def read_facts(path: Path) -> dict[str, Any]:
    """What is known of a stored network."""
    with np.load(path) as stored:
        facts: dict[str, Any] = json.loads(str(stored["facts"]))
        return facts


def shape_of(name: str) -> str:
    """The shape of a network of the cache; a shape's name stands for itself."""
    return name if name in STUDENTS else str(read_facts(weights_path(name))["plan"]["shape"])


def stored_or_new(name: str) -> Network:
    """A trained network of the cache, or for the name of a shape one with Whisper's own weights."""
    if name in STUDENTS:
        return student(name)
    network = student(shape_of(name))
    resume(network, weights_path(name))
    return network


def store(network: Network, path: Path, facts: dict[str, object]) -> None:
    """Write the tensors for `training.export`, which does without torch."""
    tensors: dict[str, Any] = {name: value.float().numpy() for name, value in network.state_dict().items()}
    np.savez(path, facts=np.array(json.dumps(facts)), **tensors)
