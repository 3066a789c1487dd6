"""``python .ci/check_wheel.py WHEEL``: looks into the wheel, and tries it in an environment of its own.

That environment finds the dependencies in the one that runs this, so nothing is downloaded.
"""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import tomllib
import venv
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import ZipFile

ROOT = Path(__file__).resolve().parents[1]
TRIAL = """
import sys
import mystyle
assert mystyle.__file__.startswith(sys.prefix), f"mystyle was imported from {mystyle.__file__}"
assert "torch" not in sys.modules, "import mystyle imports torch"
assert mystyle.__version__ == sys.argv[1], f"the wheel of {sys.argv[1]} calls itself {mystyle.__version__}"
public = {name: getattr(mystyle, name) for name in mystyle.__all__}
assert public["load_domain"]("synthetic").generator.resolution == 128
"""


def main(wheel: Path) -> int:
    with ZipFile(wheel) as file:
        held = {name for name in file.namelist() if ".dist-info/" not in name}
    expected = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "mystyle").rglob("*")
        if path.is_file() and path.parent.name != "__pycache__"
    }
    if held != expected:
        print(f"{wheel}: too much: {sorted(held - expected)}; missing: {sorted(expected - held)}", file=sys.stderr)
        return 1
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    with TemporaryDirectory() as folder:
        venv.create(folder, symlinks=True)
        python = Path(folder, "bin", "python")
        site = sysconfig.get_path("purelib", vars={"base": folder})
        Path(site, "dependencies.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
        pip = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps", "--no-index", wheel]
        for command in (pip, [python, "-I", "-c", TRIAL, version], [Path(folder, "bin", "mystyle"), "--help"]):
            subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve()))
