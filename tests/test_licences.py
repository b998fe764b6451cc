"""The licences of what is installed are those that may stand beside Apache-2.0."""

import importlib.util
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / ".ci" / "licences.py"


@pytest.mark.parametrize(
    "stated, is_fine",
    [
        ("MIT", True),
        ("BSD License (3-clause)", True),
        ("GNU Lesser General Public License v3 (LGPLv3)", True),
        ("Apache-2.0 WITH LLVM-exception", True),
        ("MPL-2.0 AND MIT", True),
        ("GPL-3.0-only AND MIT", False),
        ("GPL-3.0-only OR MIT", True),
        ("MIT AND (GPL-2.0-only OR BSD-3-Clause)", True),
        ("MIT AND (GPL-2.0-only AND BSD-3-Clause)", False),
        ("(MIT OR Apache-2.0) AND GPL-3.0-only", False),
        ("MITRE Restricted", False),
        ("AGPL-3.0", False),
        ("", False),
    ],
)
def test_every_part_of_what_is_stated_counts(stated, is_fine):
    spec = importlib.util.spec_from_file_location("licences", SCRIPT)
    assert spec is not None and spec.loader is not None
    licences = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(licences)
    assert licences.is_allowed(stated) is is_fine
