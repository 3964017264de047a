"""`lfw`: finds the command's module when it is called, and turns errors into messages and exit codes."""

from __future__ import annotations

import atexit
import gc
import importlib
import os
import sys
from typing import NoReturn

import click

from lf_wrap import __version__
from lf_wrap.cli.language import line, translated
from lf_wrap.errors import Interrupted, LfwError, UserError

# Each command's module in this package (its function has the same name) and its line in `lfw --help`: the modules
# themselves are not loaded for that.
COMMANDS = {
    "demo": ("demo", "The whole job on sample data and a small model, in minutes, without a GPU."),
    "init": ("init", "Lay out a workspace: dataset specs, recipes, sample rows."),
    "doctor": ("doctor", "Look at this machine: what is there, what is missing, what mends it."),
    "fetch": ("fetch", "Download a model or a dataset from its hub, whole and checked."),
    "build-data": ("build_data", "Turn raw files into registered LLaMA-Factory datasets."),
    "check": ("check", "Say what would go wrong with a recipe, before it costs GPU time."),
    "choose": ("choose", "Choose a base model: several answer ten questions side by side."),
    "preview": ("preview", "Show rows as the model will see them: learned, only read, cut."),
    "render": ("render", "Write a recipe's train.yaml, export.yaml and run.sh."),
    "eval": ("eval", "Ask a model and its base the same questions: is it better, and how sure is that?"),
    "compare": ("compare", "Runs side by side on the same questions: who is better, and how sure that is."),
    "judge": ("judge", "A judge model or people say which answers are better."),
    "run": ("run", "Build, train, export, evaluate, report: one recipe, one folder."),
    "export": ("export", "Prove the merged model is the tuned one; write other forms of it; push it."),
    "chat": ("chat", "Talk with a model, a character, or base and tuned side by side."),
    "webui": ("webui", "Open LLaMA Board with the datasets, recipes and runs of this folder in it."),
}


class Commands(click.Group):
    """A group whose commands are imported one by one, when they are needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"lf_wrap.cli.{COMMANDS[cmd_name][0]}")
        return translated(module.command, cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from lf_wrap.errors import did_you_mean

            raise click.UsageError(f"no such command {args[0]!r}: {did_you_mean(args[0], COMMANDS)}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line(name, english)) for name, (_, english) in COMMANDS.items()])


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": "LFW"})
@click.version_option(__version__, prog_name="lfw")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def lfw(debug: bool) -> None:
    """From raw medical and roleplay data to a fine-tuned, exported and honestly evaluated model, on LLaMA-Factory.

    Each command tells what it needs and what it leaves: lfw COMMAND --help. LFW_LANG=zh speaks Chinese.

    \b
    Examples:
      lfw demo                                                        # all of it, on sample data
      lfw init work && cd work && lfw build-data FILE --name mydata   # your own data
      lfw run recipes/med_sft_lora.yaml                               # tune, export, compare, report
    """


def run() -> None:
    """The console script. Exit codes: 0 done, 1 the user's input, 2 usage, 3 a child program failed, 130 stopped.

    `--debug` may stand before or behind the command.
    """
    # Python looks for cycles after each 700 new objects, again and again through all there are: a quarter of the
    # seconds that torch and transformers take to import. What lfw makes has hardly any.
    gc.set_threshold(100_000, 20, 20)
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    debug = len(arguments) < len(sys.argv[1:]) or os.environ.get("LFW_DEBUG") in {"1", "true"}
    try:
        _leave(translated(lfw, "lfw").main(arguments, standalone_mode=False))
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        _fail(Interrupted("interrupted"), debug)
    except LfwError as error:
        _fail(error, debug)
    except BrokenPipeError:
        sys.exit(1)
    except OSError as error:
        from lf_wrap.files import shown

        where = None if error.filename is None else shown(str(error.filename))
        fix = "check the path, the right to use it, and the space that is left"
        _fail(UserError(error.strerror or str(error), where=where, fix=fix), debug)
    except Exception as error:
        if debug:
            raise
        _fail(
            LfwError(
                f"a bug in lfw: {type(error).__name__}: {error}",
                fix="run it again with --debug and report what it prints",
            ),
            debug,
        )


def _fail(error: LfwError, debug: bool) -> None:
    if debug:
        import traceback

        traceback.print_exc()
    click.echo(f"Error: {error}", err=True)
    _leave(error.exit_code)


def _leave(code: int | None) -> NoReturn:
    """Ends the process. Where torch was loaded, Python would take half a second to take its modules apart."""
    if "torch" not in sys.modules:
        sys.exit(code)
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code or 0)
