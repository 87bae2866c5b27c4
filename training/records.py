"""The committed records: what was tried, what was shipped, what was measured."""

import json
from pathlib import Path
from typing import Final

_HERE: Final = Path(__file__).parent
TRIED_FILE: Final = _HERE / "tried.json"
SHIPPED_FILE: Final = _HERE / "shipped.json"
RESULTS_FILE: Final = _HERE / "results.json"
CROSSFOLD_FILE: Final = _HERE / "crossfold.json"
BASELINES_FILE: Final = _HERE / "baselines.json"
ADAPTATION_FILE: Final = _HERE / "adaptation.json"


def note_tried(name: str, facts: dict[str, object]) -> None:
    """Put a trained network on the record, in the place of an earlier one of the same name."""
    tried = json.loads(TRIED_FILE.read_text(encoding="utf-8")) if TRIED_FILE.exists() else []
    tried = [*(of for of in tried if of["name"] != name), {"name": name, **facts}]
    TRIED_FILE.write_text(json.dumps(tried, indent=1) + "\n", encoding="utf-8")
