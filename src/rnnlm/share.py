"""Where the configurations and the corpus that come with rnnlm lie: in a checkout its root folders, in a wheel copies
of them."""

from __future__ import annotations

from pathlib import Path

from rnnlm.errors import ConfigError

PACKAGE = Path(__file__).parent


def shared_folder(name: str) -> Path:
    """The folder `configs` or `data`."""
    for base in (PACKAGE / "_share", PACKAGE.parent.parent):
        if (base / name).is_dir():
            return base / name
    raise ConfigError(f"the folder {name} that comes with rnnlm is missing", "install rnnlm-zh again")


def config_names() -> list[str]:
    """The configurations that come with rnnlm."""
    return sorted(path.stem for path in shared_folder("configs").glob("*.toml"))


def find_config(name: str) -> Path:
    """A shipped configuration by its name, or a file by its path. Raises ConfigError where there is neither."""
    shipped = shared_folder("configs") / f"{name}.toml"
    if shipped.exists() and "/" not in name and "\\" not in name:
        return shipped
    if Path(name).is_file():
        return Path(name)
    raise ConfigError(
        f"there is no configuration {name!r}", f"shipped are {', '.join(config_names())}; or give a file's path"
    )
