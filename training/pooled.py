"""Pooled outputs of a network's blocks for every clip and view: `python -m training.pooled base-3`.

The network is a shape with Whisper's own weights, or a trained network of the cache. With the pooled outputs a head is
trained in a minute (`training.head`); fine-tuning the encoder takes hours (`training.finetune`).
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from training.network import SHAPES, Network
from training.spectra import CACHE, N_VIEWS, Spectra
from training.stored import stored_or_new

Rows = NDArray[np.int64]
_BATCH = 24
CORPORA = ("esc10", "javanese", "emogator", "cremad")


def pooled_views(network: Network, spectra: Spectra, rows: Rows, view: int) -> Tensor:
    """[rows, depth * 2 * width] of one view of these clips, at most 10 s of each."""
    return pooled_batches(network, [spectra.view(int(i), view)[:1000] for i in rows])


def pooled_batches(network: Network, pieces: Sequence[NDArray[np.floating]]) -> Tensor:
    """[pieces, depth * 2 * width] of spectra [T, 80]; those of similar length go through together."""
    order = np.argsort([len(piece) for piece in pieces], kind="stable")
    found: dict[int, Tensor] = {}
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        for first in range(0, len(order), _BATCH):
            some = order[first : first + _BATCH].tolist()
            lengths = torch.tensor([len(pieces[i]) for i in some])
            batch = torch.zeros(len(some), int(lengths.max()), 80)
            for row, i in enumerate(some):
                batch[row, : lengths[row]] = torch.from_numpy(pieces[i].astype(np.float32))
            found.update(zip(some, network.pooled(batch, lengths).float(), strict=True))
    return torch.stack([found[i] for i in range(len(pieces))])


def pooled_path(network: str, corpus: str) -> Path:
    """Where the values of one network and corpus lie: [clip, view, depth * 2 * width] in half precision."""
    return CACHE / f"pooled-{network}-{corpus}.npy"


def read_pooled(network: str, corpus: str) -> NDArray[np.float16]:
    """[clip, view, depth * 2 * width]."""
    values: NDArray[np.float16] = np.load(pooled_path(network, corpus))
    return values


def main() -> None:
    """Compute what is not there yet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("network", help=f"one of {', '.join(sorted(SHAPES))}, or a name in the cache")
    parser.add_argument("corpora", nargs="*", default=CORPORA)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    network = stored_or_new(args.network).eval()
    for corpus in args.corpora:
        if pooled_path(args.network, corpus).exists():
            continue
        spectra = Spectra(corpus)
        rows = np.arange(len(spectra.labels))
        views = [pooled_views(network, spectra, rows, view).numpy().astype(np.float16) for view in range(N_VIEWS)]
        np.save(pooled_path(args.network, corpus), np.stack(views, axis=1))
        print(pooled_path(args.network, corpus).name, flush=True)


if __name__ == "__main__":
    main()
