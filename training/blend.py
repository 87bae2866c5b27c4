"""Mixes two networks, one tuned from the other: `python -m training.blend base-3-head base-3-taught 0.7 NAME`.

On voices and languages unlike those of training, a network between the trained head on frozen blocks and the fine-tuned
one does better than the latter, at little loss where it was tuned (Wortsman et al. 2022, https://arxiv.org/abs/2109.01903).
Needs torch.
"""

import argparse
import json
from typing import Final

import numpy as np
import torch

from training.judge import report
from training.network import Network
from training.records import note_tried
from training.spectra import Spectra
from training.splits import read_splits
from training.stored import resume, store, weights_path
from training.students import student

_VIEWS: Final = (1, 2)


def blended(before: Network, after: Network, share: float) -> Network:
    """`share` of what is `after`, the rest of what is `before`."""
    first, second = before.state_dict(), after.state_dict()
    after.load_state_dict({name: torch.lerp(first[name], second[name], share) for name in second})
    return after


def main() -> None:
    """Mix, judge on speakers that were not trained on, store."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("before")
    parser.add_argument("after")
    parser.add_argument("share", type=float)
    parser.add_argument("name")
    args = parser.parse_args()
    with np.load(weights_path(args.after)) as stored:
        facts = json.loads(str(stored["facts"]))
    before, network = (student(facts["plan"]["shape"]) for _ in range(2))
    resume(before, weights_path(args.before))
    resume(network, weights_path(args.after))
    network = blended(before, network, args.share)
    found = {
        corpus: report(network, Spectra(corpus), read_splits(corpus)["validation"], _VIEWS)
        for corpus in facts["plan"]["corpora"]
        if "validation" in read_splits(corpus)
    }
    facts |= {"history": [found], "notes": [f"{args.share:g} of {args.after}, the rest {args.before}"]}
    print(json.dumps(found))
    store(network, weights_path(args.name), facts)
    note_tried(args.name, facts)


if __name__ == "__main__":
    main()
