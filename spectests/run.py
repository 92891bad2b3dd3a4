"""Runs one script."""

import time

from pywrt.component.text.script import parse_script
from pywrt.config import Config
from spectests.components import ComponentRunner
from spectests.report import FAILED, CommandResult, FileReport
from spectests.runner import describe
from spectests.scripts import Script


def run_script(script: Script) -> FileReport:
    """Run a script in a store of its own."""
    start = time.monotonic()
    report = FileReport(script.path)
    try:
        with open(script.path, "rb") as file:
            commands = parse_script(file.read())
        runner = ComponentRunner(Config(features=script.features, consume_fuel=script.metered), script.seed)
    except Exception as error:  # one script must not keep the others from running, whatever is wrong with it
        report.results.append(CommandResult(1, "script", FAILED, "a script", describe(error)))
    else:
        report.results.extend(map(runner.run, commands))
    report.seconds = time.monotonic() - start
    return report
