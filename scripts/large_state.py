"""A stream with a gigabyte of state: how it goes on during checkpoints, what they write, and how soon it goes on after a
kill.

The state is built from events of as many users as give it its size. From then on events concern one in a hundred of them:
the first checkpoint of that time writes everything, the second what has changed, and the process is killed behind it.
"""
import json
import os
import shutil
import signal
import subprocess
import time

from benchmarking import BENCH, CORES, OUTPUT, ROOT, Failure

STATE = OUTPUT / "large-state"
INPUT = BENCH / "large-state-input"
FIRST_EVENT = 1_700_000_040_000
# Of uniform draws, four for three users, about three quarters of the users are drawn.
DRAWS_PER_USER = 4 / 3
USERS_DRAWN = 0.736
COPIES = 160
PATIENCE = 300


class LargeState:
    def __init__(self, suite):
        self.suite = suite
        self.draws = suite.options.large_keys * 4 // 3 * 4 // 3

    def prepare(self):
        """Two files that build the state, and behind them in time links to two that change little of it."""
        users = str(self.suite.options.large_keys * 4 // 3)
        seed = self.suite.options.seed
        shutil.rmtree(INPUT, ignore_errors=True)
        INPUT.mkdir(parents=True)
        later = FIRST_EVENT + self.draws // 2 * 36 // 100 + 10_000
        for part in range(CORES):
            self.suite.options.seed = seed + part
            building = self.suite.input("generate_page_views", self.draws // CORES, users, "1000")
            os.link(building, INPUT / f"a-{part}.txt")
            some = str(self.suite.options.large_keys // 100)
            changing = self.suite.input("generate_page_views", 2_500_000, some, "1000", str(later))
            for copy in range(COPIES // CORES):
                os.link(changing, INPUT / f"b-{copy:02}-{part}.txt")
        self.suite.options.seed = seed

    def start(self, *options):
        command = [self.suite.weir, "run", "Benchmarks/jobs/large-state.fl", "-D", f"input={INPUT}/*.txt"]
        command += ["-D", f"output={OUTPUT / 'weir'}", "--overwrite", "--json", "--watch", "--parallelism", str(CORES)]
        command += ["--memory", "14GiB", "--state", str(STATE), *options]
        errors = open(BENCH / "errors.txt", "wb")
        return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=errors, text=True)

    def lines(self, process, until):
        """The figures of every second until one says so."""
        found, deadline = [], time.monotonic() + PATIENCE
        for line in process.stdout:
            figures = json.loads(line)
            # The summary at the end has no state of its own.
            if "writtenAt" not in figures:
                break
            found.append(figures)
            if until(figures):
                return found
            if time.monotonic() > deadline:
                break
        self.kill(process)
        message = (BENCH / "errors.txt").read_text(errors="replace").strip()
        raise Failure(f"the stream came to its end, or took more than {PATIENCE} s, before enough had happened: {message}")

    @staticmethod
    def kill(process):
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()

    def run(self):
        self.prepare()
        shutil.rmtree(STATE, ignore_errors=True)
        process = self.start("--checkpoint-interval", "1h")
        built = self.lines(process, lambda figures: (figures.get("inputRecords") or 0) >= self.draws)
        self.kill(process)
        seconds = len(built)

        shutil.rmtree(STATE, ignore_errors=True)
        process = self.start("--checkpoint-interval", f"{seconds * 13 // 10 + 3}s")
        self.watched = self.lines(process, lambda figures: (figures.get("checkpoint") or 0) >= 2)
        (BENCH / "watched.json").write_text(json.dumps(self.watched))
        self.kill(process)
        self.checkpoints = [self.inspect(number) for number in (1, 2)]

        process = self.start("--checkpoint-interval", "1h", "--resume")
        resumed = self.lines(process, lambda figures: figures.get("recoveryMilliseconds") is not None)
        self.kill(process)
        self.recovery = resumed[-1]["recoveryMilliseconds"] / 1000

    def inspect(self, number):
        command = [self.suite.weir, "checkpoint", "inspect", str(STATE / "large-state"), str(number), "--json"]
        result = subprocess.run(command, capture_output=True, text=True)
        if result.returncode != 0:
            raise Failure(f"can't inspect checkpoint {number}: {result.stderr.strip()}")
        return json.loads(result.stdout)

    def throughput(self):
        """Records per second during the first checkpoint, and in as long a time behind it."""
        end = next(figures for figures in self.watched if figures.get("checkpoint"))
        ended = end["writtenAt"] - end["checkpointAge"]
        length = end["checkpointMilliseconds"]
        if self.count(ended - length) < self.draws:
            raise Failure("the first checkpoint began before the state was there: give the machine more time, or fewer keys")
        during = (self.count(ended) - self.count(ended - length)) / length
        last = self.watched[-1]
        outside_end = last["writtenAt"] - last["checkpointAge"] - last["checkpointMilliseconds"] - 500
        outside = (self.count(outside_end) - self.count(ended + 1_000)) / (outside_end - ended - 1_000)
        return during * 1_000, outside * 1_000, length / 1_000

    def count(self, moment):
        """Records that had been read at a moment, between two lines in proportion."""
        before, after = None, None
        for figures in self.watched:
            if figures["writtenAt"] <= moment:
                before = figures
            elif after is None:
                after = figures
        if before is None or after is None:
            raise Failure("a checkpoint began before the first line or ended behind the last")
        share = (moment - before["writtenAt"]) / (after["writtenAt"] - before["writtenAt"])
        return before["inputRecords"] + share * (after["inputRecords"] - before["inputRecords"])
