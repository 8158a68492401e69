"""`rnnlm info`: what a run is, and what every setting means."""

from __future__ import annotations

from dataclasses import Field
from typing import Any

import click

from rnnlm.cli.options import model_option
from rnnlm.cli.show import table


@click.command()
@model_option
@click.option("--keys", is_flag=True, help="List every key of a configuration: default, limits, meaning.")
@click.option("--config", "name", metavar="NAME", help="Show a shipped configuration (or a file) with all its values.")
def command(model: str | None, keys: bool, name: str | None) -> None:
    """Show a run: its settings, size and course; or the settings there are.

    --keys has the built-in defaults; `rnnlm train` without --config takes configs/default.toml.
    """
    if keys:
        click.echo("# `rnnlm train` without --config takes others: `rnnlm info --config default`")
        click.echo(describe_keys())
        return
    if name:
        from rnnlm.config import load_config
        from rnnlm.share import find_config

        click.echo(load_config(find_config(name)).to_toml().rstrip())
        return
    from rnnlm.report.run import describe

    click.echo(table(describe(model)))


def describe_keys() -> str:
    """Every key of a configuration, a line each under its section."""
    from rnnlm.config import all_keys, toml_value

    lines, section = [], ""
    for key, item in all_keys().items():
        name, _, rest = key.partition(".")
        if name != section:
            lines += [f"[{name}]"] if not section else ["", f"[{name}]"]
            section = name
        limits = limits_of(item)
        lines.append(f"{rest} = {toml_value(item.default)}" + (f"  ({limits})" if limits else ""))
        lines.append(f"    {item.metadata['doc']}")
    return "\n".join(lines)


def limits_of(item: Field[Any]) -> str:
    """What a key may be, in words; nothing where its default says it."""
    choices, low, high = (item.metadata[name] for name in ("choices", "low", "high"))
    if choices:
        return ", ".join(choices)
    if low is None:
        return ""
    return f"from {low:g}" if high is None else f"from {low:g}, below {high:g}"
