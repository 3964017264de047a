"""Prints docs/cli.md, made of every command's `--help`:  python scripts/cli_reference.py > docs/cli.md"""

from __future__ import annotations

import os

import click

WIDTH = 100
HEAD = """\
# The command line

Written by `python scripts/cli_reference.py` from each command's `--help`; a test holds it to the code.
`LFW_LANG=zh` (or a Chinese locale) prints the help in Chinese.

Tab completes commands, options, recipes, datasets and runs after one of

```bash
eval "$(_LFW_COMPLETE=bash_source lfw)"             # in ~/.bashrc
eval "$(_LFW_COMPLETE=zsh_source lfw)"              # in ~/.zshrc
_LFW_COMPLETE=fish_source lfw | source              # in ~/.config/fish/config.fish
```
"""


def reference() -> str:
    """The whole page."""
    os.environ["LFW_LANG"] = "en"
    from lf_wrap.cli.main import COMMANDS, lfw

    with click.Context(lfw, info_name="lfw", terminal_width=WIDTH, max_content_width=WIDTH) as group:
        pages = [f"{HEAD}\n{_block(lfw.get_help(group))}"]
        for name in COMMANDS:
            command = lfw.get_command(group, name)
            assert command is not None
            with click.Context(command, group, name, terminal_width=WIDTH, max_content_width=WIDTH) as context:
                context.help_option_names = group.help_option_names
                pages.append(f"## lfw {name}\n\n{_block(command.get_help(context))}")
    return "\n".join(pages)


def _block(text: str) -> str:
    lines = "\n".join(line.rstrip() for line in text.strip().splitlines())
    return f"```text\n{lines}\n```\n"


if __name__ == "__main__":
    print(reference(), end="")
