"""What the benchmarks share: running and measuring processes, reference programs, generated inputs, tables of rows."""
import dataclasses
import json
import math
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BENCH = ROOT / ".bench"
REFERENCE = ROOT / "Benchmarks" / "reference"
OUTPUT = BENCH / "output"
CORES = 2


@dataclasses.dataclass
class Run:
    """What one process used."""

    cpu: float
    wall: float
    peak_mib: float
    anonymous_mib: float | None


@dataclasses.dataclass
class Row:
    name: str
    measured: str
    cpu_seconds: str
    memory: str
    goal: str
    is_met: bool | None


class Failure(Exception):
    pass


def measure(command, summary=None):
    """Runs a command to its end; `summary` is where its standard output goes."""
    with open(summary or os.devnull, "wb") as output, open(BENCH / "errors.txt", "w+b") as errors:
        start = time.perf_counter()
        process = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=errors)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            errors.seek(0)
            message = errors.read().decode(errors="replace").strip()
            raise Failure(f"exit code {process.returncode} of {' '.join(map(str, command))}\n{message}")
    return Run(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / 1024, None)


def summary_mib(summary, figure):
    """A figure of bytes in Weir's summary, wherever in the object it stands."""

    def search(value):
        if isinstance(value, dict):
            for key, inner in value.items():
                if key == figure and isinstance(inner, (int, float)):
                    return inner / 2**20
                if (found := search(inner)) is not None:
                    return found
        return None

    for line in reversed(summary.read_text(errors="replace").splitlines()):
        if line.startswith("{"):
            try:
                return search(json.loads(line))
            except ValueError:
                continue
    try:
        return search(json.loads(summary.read_text(errors="replace")))
    except ValueError:
        return None


class Suite:
    """Rows that are measured one after the other."""

    def __init__(self, options):
        self.options = options
        self.weir = os.path.abspath(options.weir)
        self.rows = []

    # Inputs and programs

    def program(self, name):
        """Builds a reference program when its sources are newer than it."""
        source, binary = REFERENCE / f"{name}.cpp", BENCH / "bin" / name
        sources = [source, *REFERENCE.glob("*.h")]
        if not binary.exists() or binary.stat().st_mtime < max(path.stat().st_mtime for path in sources):
            binary.parent.mkdir(parents=True, exist_ok=True)
            flags = ["-O3", "-march=native", "-std=c++20", "-w", "-pthread"]
            text = source.read_text()
            libraries = [f"-l{name}" for name in ["simdjson", "rdkafka"] if f"{name}.h" in text]
            subprocess.run(["g++", *flags, "-o", str(binary), str(source), *libraries], check=True)
        return str(binary)

    def input(self, generator, size, *more):
        parts = [generator.removeprefix("generate_"), size, self.options.seed, *more]
        path = BENCH / f"{'-'.join(map(str, parts))}.txt"
        if not path.exists():
            print(f"generating {path.relative_to(ROOT)}", file=sys.stderr, flush=True)
            unfinished = path.with_suffix(".part")
            command = [self.program(generator), str(unfinished), str(size), str(self.options.seed), *more]
            subprocess.run(command, check=True)
            unfinished.rename(path)
        return path

    # Runs

    def run_weir(self, job, path, *options, output=OUTPUT / "weir"):
        shutil.rmtree(output, ignore_errors=True)
        command = [self.weir, "run", f"Benchmarks/jobs/{job}.fl", "-D", f"input={path}", "-D", f"output={output}"]
        summary = BENCH / "summary.json"
        run = measure(command + ["--overwrite", "--json", *options], summary)
        run.anonymous_mib = summary_mib(summary, "peakAnonymousBytes")
        # The system's figure for a child is at least what this program had when it started the child.
        run.peak_mib = summary_mib(summary, "peakResidentBytes") or run.peak_mib
        return run

    def run_reference(self, program, path, arguments=()):
        output = OUTPUT / "reference.txt"
        return measure([self.program(program), str(path), str(CORES), str(output), *arguments])

    def checksum(self, *paths):
        command = [self.program("checksum"), *map(str, paths)]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    # Rows

    def compare(self, name, job, path, program, arguments=(), *, goal, goal_text, verify=None, options=()):
        """Weir and a reference in turn; returns the median ratio of CPU seconds."""
        parallel = ["--parallelism", str(CORES), *options]
        self.run_weir(job, path, *parallel)
        self.run_reference(program, path, arguments)
        (verify or self.require_equal)()
        ours, theirs = [], []
        for _ in range(self.options.rounds):
            ours.append(self.run_weir(job, path, *parallel))
            theirs.append(self.run_reference(program, path, arguments))
        cpu = [their.cpu / our.cpu for our, their in zip(ours, theirs)]
        wall = [their.wall / our.wall for our, their in zip(ours, theirs)]
        ratio = statistics.median(cpu)
        seconds = statistics.median(our.cpu for our in ours), statistics.median(their.cpu for their in theirs)
        measured = f"CPU × {spread(cpu)}, wall × {spread(wall)}"
        cost = f"{seconds[0]:.2f} / {seconds[1]:.2f}"
        limit = goal() if callable(goal) else goal
        self.add(Row(name, measured, cost, memory(ours), f"{goal_text} = {limit:.2f}", ratio >= limit))
        return ratio

    def add(self, row):
        self.rows.append(row)
        verdict = {True: "ok", False: "NOT MET", None: "failed"}[row.is_met]
        print(f"| {row.name} | {row.measured} | {row.cpu_seconds} | {row.memory} | {row.goal} | {verdict} |", flush=True)

    def run_rows(self, table):
        print("| row | measured | CPU s (Weir / reference) | peak MiB: resident, anonymous | goal | |")
        print("| --- | --- | ---: | ---: | --- | --- |", flush=True)
        for name, row in table.items():
            if not re.search(self.options.filter, name):
                continue
            try:
                row(name)
            except Failure as failure:
                self.add(Row(name, str(failure).replace("\n", " "), "", "", "", None))

    def finish(self):
        met = sum(row.is_met is True for row in self.rows)
        print(f"\n{met} of {len(self.rows)} goals met")
        sys.exit(0 if self.rows and met == len(self.rows) else 1)


def spread(ratios):
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f}–{max(ratios):.2f})"


def memory(runs):
    anonymous = [run.anonymous_mib for run in runs if run.anonymous_mib is not None]
    return f"{max(run.peak_mib for run in runs):.0f}, {f'{max(anonymous):.0f}' if anonymous else 'unknown'}"
