"""Say what the plain install weighs, and fail if it brings PyTorch along."""

import importlib.util
import sys
import sysconfig
from importlib.metadata import distributions
from pathlib import Path

site = Path(sysconfig.get_path("purelib"))
size_mb = sum(f.stat().st_size for f in site.rglob("*") if f.is_file()) / 1e6
names = sorted({d.metadata["Name"].lower() for d in distributions()} - {"pip", "setuptools"})
print(f"plain install: {len(names)} packages, {size_mb:.0f} MB")
for unwanted in ("torch", "lightning", "fastapi", "cv2"):
    if importlib.util.find_spec(unwanted):
        sys.exit(f"the plain install brings {unwanted} along")
