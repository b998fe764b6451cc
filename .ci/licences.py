"""Check the licences in bills of material (CycloneDX, JSON), and list them.

    python .ci/licences.py BILL.json ...

Fails if a package states none, or one that is neither permissive nor known to be fine beside
Apache-2.0 as an unchanged dependency.
"""

import json
import re
import sys
from pathlib import Path

ALLOWED = re.compile(
    r"\b(MIT|BSD|Apache|ISC|PSF|Python-2.0|Python Software Foundation|MPL|Mozilla Public|Unlicense"
    r"|Public Domain|Zlib|HPND|0BSD|CC0|CNRI|BlueOak|BSL-1.0|LGPL(v[23]\+?)?"
    r"|Lesser General Public)(?!\w)",
    re.IGNORECASE,
)
"""LGPL: FFmpeg inside PyAV's wheels and psycopg, loaded as libraries of their own."""

NO_LICENCE = "License :: OSI Approved"
"""A classifier that names none."""

_IN_BRACKETS = re.compile(r"\(([^()]*)\)")

KNOWN = {
    "protobuf": "BSD-3-Clause",
    "pycocotools": "BSD-2-Clause",
    "ray": "Apache-2.0",
    "torchvision": "BSD-3-Clause",
    "transformers": "Apache-2.0",
}
"""Packages whose bill states none; their metadata name it in words of their own."""

BROUGHT_BY_PYTORCH = ("nvidia-", "cuda-")
"""NVIDIA's own terms: they come with PyTorch on Linux, in extras alone; nothing here ships them."""


def licences_of(component: dict) -> list[str]:
    entries = component.get("licenses", [])
    named = [entry.get("license", {}) for entry in entries]
    texts = [entry.get("expression") for entry in entries]
    texts += [licence.get("id") or licence.get("name") for licence in named]
    return sorted({text.partition("\n")[0] for text in texts if text and text != NO_LICENCE})


def is_allowed(expression: str) -> bool:
    """Whether all licences that AND joins may be used, and one of those that OR joins."""
    while inner := _IN_BRACKETS.search(expression):
        word = "MIT" if is_allowed(inner[1]) else "other"
        expression = expression[: inner.start()] + word + expression[inner.end() :]
    return any(
        all(ALLOWED.search(licence) for licence in re.split(r"\bAND\b", choice))
        for choice in re.split(r"\bOR\b", expression)
    )


def main() -> None:
    unknown = []
    for bill in sys.argv[1:]:
        for component in json.loads(Path(bill).read_text("utf-8")).get("components", []):
            name = component["name"]
            found = licences_of(component) or [KNOWN.get(name, "")]
            print(f"{name} {component.get('version', '')}: {', '.join(found) or 'none stated'}")
            if name.startswith(BROUGHT_BY_PYTORCH):
                continue
            if not all(map(is_allowed, found)):
                unknown.append(name)
    if unknown:
        sys.exit(f"licences to be looked at: {', '.join(sorted(set(unknown)))}")


if __name__ == "__main__":
    main()
