"""Check the versions that an installation gets against published advisories: `uv run scripts/advisories.py`.

pip-audit asks the package index, which must offer advisories (PyPI does, mirrors often do not). A package that could
not be checked is always said: the last line says how many were, and why the others were not. The exit
code is 1 if an advisory concerns an installed version, and 0 if none does or none could be asked for.
"""

import json
import subprocess
import sys
from collections import Counter
from importlib.metadata import distribution
from typing import Any

from packaging.requirements import Requirement

_TOOL = ("uvx", "--quiet", "pip-audit>=2.9,<3")
_LIMIT_S = 120
_TIMEOUT_S = "5"


def main() -> int:
    """Print every advisory, then one line about what was checked."""
    pinned = [f"{name}=={version}" for name, version in sorted(installed().items())]
    options = ["--requirement", "/dev/stdin", "--no-deps", "--disable-pip", "--format", "json", "--timeout", _TIMEOUT_S]
    command = [*_TOOL, *options, "--progress-spinner", "off"]
    try:
        done = subprocess.run(
            command, input="\n".join(pinned), capture_output=True, text=True, timeout=_LIMIT_S, check=False
        )
        found: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except (OSError, subprocess.TimeoutExpired) as error:
        return not_checked(str(error))
    except (ValueError, KeyError):
        return not_checked(done.stderr.strip().splitlines()[-1] if done.stderr.strip() else "pip-audit said nothing")
    return told(found)


def installed() -> dict[str, str]:
    """Name and version of every package that comes with ser_track."""
    found, waiting = dict[str, str](), ["ser-track"]
    while waiting:
        name = waiting.pop()
        if name not in found:
            package = distribution(name)
            found[name] = package.version
            needs = map(Requirement, package.requires or ())
            waiting += [
                need.name.lower() for need in needs if need.marker is None or need.marker.evaluate({"extra": ""})
            ]
    del found["ser-track"]
    return found


def told(found: list[dict[str, Any]]) -> int:
    """Print what was found; returns the exit code."""
    skipped = [each for each in found if "skip_reason" in each]
    hit = [each for each in found if each.get("vulns")]
    for each in hit:
        for advisory in each["vulns"]:
            fixed = ", ".join(advisory["fix_versions"]) or "no version yet"
            print(f"{each['name']} {each['version']}: {advisory['id']}, fixed in {fixed}")
    if len(skipped) == len(found):
        return not_checked(skipped[0]["skip_reason"] if skipped else "no package was named")
    if skipped:
        reasons = Counter(each["skip_reason"].partition(":")[0] for each in skipped)
        print(f"advisories: NOT CHECKED for {len(skipped)} of {len(found)} packages: {dict(reasons)}")
    print(f"advisories: {len(found) - len(skipped)} packages checked, {len(hit)} with advisories")
    return int(bool(hit))


def not_checked(reason: str) -> int:
    """Say that nothing was checked; returns the exit code."""
    print(f"advisories: NOT CHECKED: {reason}; run it where the package index offers advisories, as PyPI does")
    return 0


if __name__ == "__main__":
    sys.exit(main())
