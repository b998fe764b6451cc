"""Say what the plain install weighs, and fail if it brings PyTorch along."""

import importlib.util
import sys
import sysconfig
from importlib.metadata import distributions
from pathlib import Path

site = Path(sysconfig.get_path("purelib"))
installers = ("pip", "setuptools", "pkg_resources", "_distutils_hack")
size_mb = (
    sum(
        file.stat().st_size
        for entry in site.iterdir()
        if not entry.name.startswith(installers)
        for file in (entry, *entry.rglob("*"))
        if file.is_file()
    )
    / 1e6
)
names = {d.metadata["Name"].lower() for d in distributions()} - set(installers)
print(f"plain install: {len(names)} packages, {size_mb:.0f} MB")
for unwanted in ("torch", "lightning", "fastapi", "cv2", "rapidocr"):
    if importlib.util.find_spec(unwanted):
        sys.exit(f"the plain install brings {unwanted} along")
