"""Imports run one way, and nothing is loaded before it is needed."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import rnnlm

PACKAGE = Path(rnnlm.__file__).parent

# What each part may import besides itself. Parts that share a line of the design know nothing of each other.
BASE = {"errors", "config", "share"}
UNDER_STORE = BASE | {"nn", "text", "lm"}
MAY_IMPORT = {
    "errors": set[str](),
    "config": {"errors"},
    "share": {"errors"},
    "nn": {"errors"},
    "text": BASE,
    "lm": BASE | {"nn", "text"},
    "store": UNDER_STORE,
    "train": UNDER_STORE | {"store"},
    "search": UNDER_STORE | {"store"},
    "report": UNDER_STORE | {"store"},
    "api": UNDER_STORE | {"store", "search", "train"},
    "cli": UNDER_STORE | {"store", "search", "train", "report", "api"},
}


def imports(path: Path) -> Iterator[str]:
    """The modules that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def part_of(module: str) -> str:
    """The part of the package that `rnnlm.<part>...` belongs to; nothing for other packages and the version."""
    package, _, rest = module.partition(".")
    part = rest.partition(".")[0]
    return part if package == "rnnlm" and part != "__version__" else ""


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_run_one_way(path: Path) -> None:
    """cli -> api -> search, train -> store -> lm -> nn; report beside api, text beside nn; errors, config, share under
    all."""
    own = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    if own in ("__init__", "_share"):
        return
    found = {part for module in imports(path) if (part := part_of(module))}
    assert found - {own} <= MAY_IMPORT[own]


def test_the_package_lists_its_homes_without_importing_them() -> None:
    """`rnnlm/__init__.py` imports nothing of the package but for type checkers."""
    tree = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    top = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    assert not any(part_of(f"{node.module}.") for node in top if isinstance(node, ast.ImportFrom))


@pytest.mark.parametrize(
    "program",
    [
        "import rnnlm",
        "import rnnlm; rnnlm.RnnlmError",
        "import sys, rnnlm.cli.main as m; sys.argv = ['rnnlm', '--help']\ntry: m.main()\nexcept SystemExit: pass",
        "import sys, rnnlm.cli.main as m; sys.argv = ['rnnlm', 'train', '-h']\ntry: m.main()\nexcept SystemExit: pass",
    ],
)
def test_nothing_heavy_is_loaded(program: str) -> None:
    """`import rnnlm` alone, `rnnlm --help` and a command's help load neither NumPy nor jieba."""
    check = "\nimport sys; print('loaded', [m for m in ('numpy', 'jieba') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program + check], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "loaded []"


def test_unknown_names_are_refused() -> None:
    """A name that the package does not have is an AttributeError, and every listed name is there."""
    with pytest.raises(AttributeError, match="perplexitee"):
        _ = rnnlm.perplexitee
    assert all(getattr(rnnlm, name) for name in rnnlm.__all__)
