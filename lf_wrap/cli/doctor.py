"""`lfw doctor`."""

from __future__ import annotations

import click

from lf_wrap.cli.output import console, json_option, print_json

MARKS = {"ok": ("✓", "green"), "note": ("!", "yellow"), "absent": ("·", "dim"), "bad": ("✗", "red")}


@click.command("doctor")
@json_option
def command(as_json: bool) -> None:
    """Look at this machine: packages, GPUs, hubs and mirrors, disks, ports; each finding with what mends it.

    Changes nothing. What is optional says what it would enable. Exit code 1 when something that lfw needs is broken.

    \b
    Examples:
      lfw doctor
      lfw doctor --json       # for scripts: {"ok": …, "findings": […]}
    """
    from dataclasses import asdict
    from pathlib import Path

    from rich.text import Text

    from lf_wrap.doctor import examine

    screen = console(as_json)
    findings = examine(Path())
    part = ""
    for finding in findings:
        if finding.part != part:
            part = finding.part
            screen.print(part, style="bold")
        mark, style = MARKS[finding.state]
        screen.print(Text.assemble("  ", (mark, style), f" {finding.name:20} {finding.what}"))
        if finding.state != "ok":
            if finding.enables:
                screen.print(f"      for    {finding.enables}", style="dim")
            if finding.fix:
                screen.print(f"      mend   {finding.fix}")
    ok = not any(finding.state == "bad" for finding in findings)
    if as_json:
        print_json({"ok": ok, "findings": [asdict(finding) for finding in findings]})
    if not ok:
        raise click.exceptions.Exit(1)
