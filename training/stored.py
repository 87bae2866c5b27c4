"""Trained networks in `training/cache/`. Needs torch."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

from training.network import Network
from training.spectra import CACHE


def weights_path(name: str) -> Path:
    """Where a trained network lies."""
    return CACHE / f"network-{name}.npz"


def resume(network: Network, path: Path) -> None:
    """Take the tensors of a stored network of the same shape."""
    with np.load(path) as stored:
        network.load_state_dict({name: torch.from_numpy(stored[name]) for name in network.state_dict()})


def store(network: Network, path: Path, facts: dict[str, object]) -> None:
    """Write the tensors for `training.export`, which does without torch."""
    tensors: dict[str, Any] = {name: value.float().numpy() for name, value in network.state_dict().items()}
    np.savez(path, facts=np.array(json.dumps(facts)), **tensors)
