"""The command line: arguments in, exit code out. Human words go to stderr, machine output (``--json``) to stdout.

Exit codes: 0 done, 1 failed, 2 usage, 3 finished with trials unanswered, 130 stopped and resumable.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import typer

from culturesim.cli import analysing, asking, exchanging, looking, serving, validating
from culturesim.cli.terminal import complain
from culturesim.errors import CulturesimError, StudyError, UnknownNameError

FAILED, USAGE, STOPPED = 1, 2, 130

app = typer.Typer(
    name="culturesim",
    help="Survey language models with value questionnaires: in many languages, as many people, and honestly.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for _commands in (asking, analysing, validating, looking, serving, exchanging):
    for _command in _commands.COMMANDS:
        app.command()(_command)
app.command("list")(looking.list_)
app.command("import")(exchanging.import_)


def run(arguments: Sequence[str] | None = None) -> int:
    """Runs a command and gives its exit code."""
    try:
        app(args=arguments, prog_name="culturesim")
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else FAILED
    except (UnknownNameError, StudyError) as error:
        complain(str(error))
        return USAGE
    except CulturesimError as error:
        complain(str(error))
        return FAILED
    except KeyboardInterrupt:
        return STOPPED
    return 0


def main() -> None:
    """The console script."""
    sys.exit(run())
