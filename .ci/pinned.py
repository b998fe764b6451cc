"""Fails where something is installed that a file of pins does not name in that version.

python .ci/pinned.py .ci/pins/dev.txt
"""

import re
import sys
from importlib.metadata import distributions
from pathlib import Path

FREE = {"touchline", "pip", "setuptools", "wheel"}


def main() -> None:
    found = re.findall(r"^([\w.-]+)(?:\[.*\])?==([^\s;\\]+)", Path(sys.argv[1]).read_text(), re.M)
    pins = {plain(name): version for name, version in found}
    installed = {plain(one.metadata["Name"]): one.version for one in distributions()}
    strange = [
        f"{name} {version} (pinned: {pins.get(name, 'not')})"
        for name, version in sorted(installed.items())
        if name not in FREE and pins.get(name) != version
    ]
    if strange:
        sys.exit(f"not as {sys.argv[1]} has it: {', '.join(strange)}; run .ci/pin")


def plain(name: str) -> str:
    """A name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


main()
