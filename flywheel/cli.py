"""The command line: `python -m flywheel COMMAND`, which the Makefile wraps.

Every error that a user can cause is one message with its remedy and an exit code. A traceback
goes to build/error.log.
"""

from __future__ import annotations

import argparse
import logging
import signal
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    options = _parser().parse_args(arguments)
    console = Console()
    errors = Console(stderr=True)
    # SIGINT too: a shell without job control starts its background commands with it ignored.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    # Before any library configures logging for us: what a person reads is ours alone.
    logging.basicConfig(level=logging.WARNING)
    try:
        code: int = options.run(options, console)
    except KeyboardInterrupt:
        errors.print("Stopped; nothing is left running.")
        return EXIT_INTERRUPTED
    except Exception as error:  # noqa: BLE001  (the last line of defence: no traceback reaches a user)
        _explain(error, errors)
        return EXIT_FAILED
    return code


def _explain(error: Exception, console: Console) -> None:
    """An error that was foreseen in its own words; any other with a pointer to its traceback."""
    from flywheel.errors import UserError  # noqa: PLC0415

    notes = "".join(f"\n{note}" for note in getattr(error, "__notes__", ()))
    if isinstance(error, UserError):
        _say(console, f"{error}{notes}")
        return
    log = BUILD / "error.log"
    if isinstance(error, OSError) and error.filename:
        message = f"{error.filename}: {error.strerror}."
    else:
        message = f"{type(error).__name__}: {error}"
    try:
        BUILD.mkdir(exist_ok=True)
        log.write_text("".join(traceback.format_exception(error)))
        where = f" The details are in {log.relative_to(ROOT)}."
    except OSError as cannot_write:  # a full disk, most likely: then say that instead
        where = f" The details could not be written: {cannot_write.strerror}."
    _say(console, f"{message}{where}{notes}")


def _say(console: Console, text: str) -> None:
    console.print(text, style="red", highlight=False, markup=False, soft_wrap=True)


def _interrupt(_signal: int, _frame: object) -> None:
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="flywheel", description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(
        name: str, run: Callable[[argparse.Namespace, Console], int], text: str
    ) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text)
        added.set_defaults(run=run)
        return added

    demo = command("demo", _demo, "run the main job on real data and write build/demo/report.html")
    demo.add_argument("--port", type=_port, help="port of the embedded AWS (default: any free one)")
    local = command(
        "local", _local, "keep the embedded AWS up, with the local environment deployed"
    )
    local.add_argument(
        "--port", type=_port, help="port of the embedded AWS (default: any free one)"
    )
    algorithms = command(
        "algorithms", _algorithms, "take the built-in algorithms from data to prediction, locally"
    )
    algorithms.add_argument("keys", nargs="*", help="such as kmeans (default: all)")
    algorithms.add_argument(
        "--port", type=_port, help="port of the embedded AWS (default: any free one)"
    )
    empty = command("empty", _empty, "delete all objects and models, so that cdk destroy can")
    empty.add_argument("environment", help="such as dev; refused where retain_data is true")
    empty.add_argument("--yes", action="store_true", help="do not ask")
    check = command("check", _check, "check the settings, and the templates by all rules")
    check.add_argument(
        "--builtin", action="store_true", help="the templates of config/workloads/builtin instead"
    )
    check.add_argument("--settings", action="store_true", help="the settings alone, at once")
    for name, run, text in (
        (
            "review",
            _review,
            "what a change does to an environment, as a page, Markdown and JSON",
        ),
        ("diff", _diff, "the same in the terminal, the change alone"),
    ):
        added = command(name, run, text)
        added.add_argument("environment", help="such as prod")
        added.add_argument(
            "--against",
            default="HEAD",
            help="a git revision, another environment, or deployed (default: HEAD)",
        )
        added.add_argument("--workload", default="", help="names, separated by commas")
        if name == "review":
            added.add_argument(
                "--quotas",
                choices=("default", "account"),
                default="default",
                help="AWS's defaults, or what Service Quotas says of the account",
            )
    drift = command("drift", _drift, "what differs between templates, deployment and resources")
    drift.add_argument("environment", help="such as prod")
    drift.add_argument("--workload", default="", help="names, separated by commas")
    prices = command("prices", _prices, "fetch the review's price table from AWS")
    prices.add_argument("--region", default="us-east-1", help="whose prices (default: us-east-1)")
    samples = command("samples", _samples, "write a built-in workload's sample data as files")
    samples.add_argument("key", help="such as kmeans")
    samples.add_argument("folder", type=Path, help="gets a folder of that name")
    command("schema", _schema, "export the settings' JSON Schemas to config/schema")
    return parser


def _port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text} is not a port; it must be from 1 to 65535.")
    return int(text)


def _demo(options: argparse.Namespace, console: Console) -> int:
    from flywheel.demo.main import MainJob  # noqa: PLC0415  (each command imports what it needs)

    MainJob(console, BUILD / "demo", port=options.port).run()
    return 0


def _algorithms(options: argparse.Namespace, console: Console) -> int:
    from flywheel.algorithm_runs.main import AlgorithmRuns  # noqa: PLC0415

    runs = AlgorithmRuns(console, BUILD / "algorithms", keys=options.keys, port=options.port)
    return 0 if all(row.passed for row in runs.run()) else EXIT_FAILED


def _local(options: argparse.Namespace, console: Console) -> int:
    from flywheel.local_aws.keep_up import keep_up  # noqa: PLC0415

    keep_up(console, port=options.port)
    return 0


def _empty(options: argparse.Namespace, console: Console) -> int:
    import boto3  # noqa: PLC0415

    from flywheel.emptying import empty  # noqa: PLC0415
    from flywheel.errors import UserError  # noqa: PLC0415
    from flywheel.settings import load_environments  # noqa: PLC0415

    environments = load_environments(ROOT / "config")
    if options.environment not in environments:
        raise UserError(
            f"{options.environment} is no environment; it must be one of {', '.join(environments)}."
        )
    environment = environments[options.environment]
    if not options.yes:
        account = boto3.client("sts", region_name=environment.region).get_caller_identity()
        console.print(
            f"This deletes all data and models of {environment.name} in account "
            f"{account['Account']}, {environment.region}. Type {environment.name} to go on:",
            highlight=False,
        )
        if input() != environment.name:
            console.print("Nothing was deleted.")
            return EXIT_FAILED

    def clients(service: str) -> object:
        return boto3.client(service, region_name=environment.region)

    empty(environment, clients, lambda line: console.print(line, highlight=False))
    return 0


def _check(options: argparse.Namespace, console: Console) -> int:
    from flywheel import gates  # noqa: PLC0415
    from flywheel.settings import check_all, environment_names, warnings  # noqa: PLC0415

    config = ROOT / "config"
    check_all(config)
    for doubt in warnings(config):
        console.print(f"warning: {doubt}", style="yellow", highlight=False, soft_wrap=True)
    if options.settings:
        names = ", ".join(environment_names(config))
        console.print(f"The settings of {names} are in order.", highlight=False)
        return 0
    outcome = gates.run(builtin=options.builtin)
    for problem in outcome.problems:
        console.print(problem, style="red", highlight=False, markup=False, soft_wrap=True)
    if not outcome.problems:
        console.print(outcome.summary, highlight=False, soft_wrap=True)
    return EXIT_FAILED if outcome.problems else 0


def _review(options: argparse.Namespace, console: Console) -> int:
    from flywheel.review import terminal  # noqa: PLC0415

    asked = terminal.question(
        ROOT,
        options.environment,
        options.against,
        workload=options.workload,
        ask_account=options.quotas == "account",
    )
    return terminal.run_review(asked, BUILD / "review", console)


def _diff(options: argparse.Namespace, console: Console) -> int:
    from flywheel.review import terminal  # noqa: PLC0415

    asked = terminal.question(
        ROOT, options.environment, options.against, workload=options.workload, ask_account=False
    )
    return terminal.run_diff(asked, console)


def _drift(options: argparse.Namespace, console: Console) -> int:
    from flywheel.review import sources, terminal  # noqa: PLC0415

    asked = terminal.question(
        ROOT, options.environment, sources.DEPLOYED, workload=options.workload, ask_account=False
    )
    return terminal.run_drift(asked, console)


def _prices(options: argparse.Namespace, console: Console) -> int:
    from flywheel.review import terminal  # noqa: PLC0415

    return terminal.run_prices(options.region, console)


def _samples(options: argparse.Namespace, console: Console) -> int:
    from flywheel import samples  # noqa: PLC0415
    from flywheel.errors import UserError  # noqa: PLC0415

    def say(text: str) -> None:
        console.print(text, highlight=False, soft_wrap=True)

    objects = samples.raw_objects(options.key, progress=say)
    folder = options.folder / options.key
    try:
        for item in objects:
            path = folder / item.key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(item.body)
    except OSError as error:
        raise UserError(f"folder is {folder}; it cannot be written: {error.strerror}.") from error
    say(f"{len(objects)} files in {folder}")
    return 0


def _schema(_options: argparse.Namespace, console: Console) -> int:
    from flywheel.settings.schema import write_schemas  # noqa: PLC0415

    write_schemas(ROOT / "config" / "schema")
    console.print("config/schema holds the settings' JSON Schemas.", highlight=False)
    return 0
