"""The page's types hold, its texts are all there, and nothing of it comes from elsewhere."""

import re
import subprocess
from pathlib import Path

from extras import needs_file, needs_program

ROOT = Path(__file__).parents[2]
WEB = ROOT / "touchline" / "server" / "web"
SOURCES = sorted(WEB.rglob("*.js"))


def test_types() -> None:
    needs_program("node")
    compiler = needs_file(ROOT / "node_modules" / ".bin" / "tsc", "npm ci")
    checked = subprocess.run(
        [compiler, "--noEmit", "-p", ROOT / "tsconfig.json"], capture_output=True, text=True
    )
    assert checked.returncode == 0, checked.stdout


def test_every_text_is_used() -> None:
    table = (WEB / "lib" / "texts.js").read_text()
    names = re.findall(r'^  (?:"([\w.]+)"|(\w+)):', table, re.MULTILINE)
    used = "".join(path.read_text() for path in SOURCES if path.name != "texts.js")
    built = {
        re.compile(re.sub(r"\\\$\\\{[^`]*?\\\}", r"\\w+", re.escape(text)))
        for text in re.findall(r"`([\w.]*\$\{[^`\s]*)`", used)
    }
    for name in (quoted or bare for quoted, bare in names):
        stem = name.removesuffix(".one").removesuffix(".other")
        is_built = any(pattern.fullmatch(stem) for pattern in built if pattern.pattern != r"\w+")
        assert f'"{stem}"' in used or is_built, name


def test_the_page_is_complete_in_itself() -> None:
    for path in [*SOURCES, *WEB.rglob("*.css"), WEB / "index.html"]:
        text = path.read_text()
        found = re.findall(r"https?://[\w.]+", text)
        assert set(found) <= {"http://www.w3.org"}, path
        for risky in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
            assert risky not in text, (path, risky)
