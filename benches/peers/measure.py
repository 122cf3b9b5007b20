#!/usr/bin/env python3
"""Runs programs in turn, and prints their median time and peak memory as one Markdown table.

`run.sh` and `growth.sh` call this; it needs Python's standard library only. The programs of one kind of work run in rounds (A B
C, A B C, ...), so that a machine that gets slower does so for all of them. Time is the wall clock from starting a program to
its end; memory is the largest resident set of it and of those it started, as the system counts it.
"""

import argparse
import csv
import importlib.util
import json
import os
import shlex
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
# The bytes of one contact of a sample, about.
CONTACT = 263

# Starts a program and tells its exit status, seconds and largest resident set in KiB. A process counts the memory it had before
# it became another program, so this one, which is copied to start it, is as small as Python can be.
STARTER = """
import posix, sys, time
out = posix.open(sys.argv[1], posix.O_WRONLY | posix.O_CREAT | posix.O_TRUNC, 0o666)
began = time.perf_counter()
child = posix.fork()
if child == 0:
    posix.dup2(out, 1)
    try:
        posix.execv(sys.argv[2], sys.argv[2:])
    finally:
        posix._exit(126)
_, status, usage = posix.wait4(child, 0)
seconds = time.perf_counter() - began
print(posix.waitstatus_to_exitcode(status), seconds, usage.ru_maxrss)
"""


class Row:
    """One program at one kind of work."""

    def __init__(self, program, command, size, stdout=None, outputs=(), baseline=None, reported=None, work=None):
        self.program = program
        # A list is started as it is, a string by the shell.
        command = ["sh", "-c", command] if isinstance(command, str) else [str(part) for part in command]
        self.command = [shutil.which(command[0]) or command[0], *command[1:]]
        self.size = size
        # What is done, in units that rows share; a ratio is one of seconds for each. Bytes by default.
        self.work = work or size
        self.stdout = stdout
        self.outputs = [Path(path) for path in outputs] + ([Path(stdout)] if stdout else [])
        # The program of the same work that this one is held against.
        self.baseline = baseline
        # A function from what it printed to the seconds it measured itself.
        self.reported = reported
        self.seconds = []
        self.peak = 0

    def run(self, counted):
        # Another row may have written there.
        clear(self.outputs)
        starter = [sys.executable, "-I", "-S", "-c", STARTER, str(self.stdout or os.devnull), *self.command]
        done = subprocess.run(starter, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(f"{shlex.join(self.command)} could not be started: {done.stderr}")
        status, seconds, peak = done.stdout.split()
        # presort says 1 where it rejected or held something back.
        if int(status) not in ((0,) if self.reported else (0, 1)):
            raise SystemExit(f"{shlex.join(self.command)} ended with {status}: {done.stderr}")
        if self.reported:
            seconds = self.reported(Path(self.stdout).read_text())
        if counted:
            self.seconds.append(float(seconds))
            self.peak = max(self.peak, int(peak) * 1024)

    def median(self):
        return statistics.median(self.seconds)

    def seconds_per_unit(self):
        return self.median() / self.work


def clear(paths):
    """Makes way for the next run. Files are emptied and put aside, and go when all is done: for minutes after a file was removed,
    ext4 looks through all that were each time another is made, which no user's first run has to wait for."""
    for path in paths:
        if not path.exists():
            continue
        for file in path.iterdir() if path.is_dir() else [path]:
            os.truncate(file, 0)
        aside = path.parent / "aside"
        aside.mkdir(exist_ok=True)
        path.rename(aside / str(sum(1 for _ in aside.iterdir())))


def warm(path):
    """Reads a file, so that it is in the page cache, and waits until what was written so far is on the disk."""
    os.sync()
    with open(path, "rb") as file:
        while file.read(1 << 20):
            pass


def measure(rows, runs, warm_up=True):
    """Runs the rows in rounds; the first round is not counted."""
    for counted in range(0 if warm_up else 1, runs + 1):
        for row in rows:
            row.run(counted > 0)
            # At once: a system that has too much to write back slows down whoever writes next.
            clear(row.outputs)


def floor():
    """Memory below which a program cannot be told from the one that starts it."""
    row = Row("true", ["true"], 1)
    row.run(True)
    return row.peak


def mib(peak, least):
    return f"{peak / (1 << 20):.1f}" if peak > least * 1.05 else f"< {least * 1.05 / (1 << 20):.1f}"


def rate(row):
    """Millions of bytes a second."""
    speed = row.size / row.median() / 1e6
    return f"{speed:.1f}" if speed < 10 else f"{speed:.0f}"


class Table:
    """The table; a kind of work is printed as soon as it is done."""

    def __init__(self):
        self.least = floor()
        print("| work | program | median s | MB/s | ratio | peak MiB |")
        print("| --- | --- | ---: | ---: | ---: | ---: |", flush=True)

    def add(self, work, rows):
        by_name = {row.program: row for row in rows}
        for row in rows:
            baseline = by_name.get(row.baseline)
            ratio = f"{row.seconds_per_unit() / baseline.seconds_per_unit():.2f}" if baseline else ""
            if row.baseline == row.program:
                ratio = "1"
            speed, peak = rate(row), mib(row.peak, self.least)
            print(f"| {work} | {row.program} | {row.median():.4f} | {speed} | {ratio} | {peak} |", flush=True)


class Peers:
    """The kinds of work, each of which prints its rows."""

    def __init__(self, options):
        self.presort = options.presort
        self.simdjson = options.simdjson
        self.runs = options.runs
        self.contacts = options.contacts
        self.small = options.small
        self.rows = options.rows
        self.memory = Path(options.memory) if options.memory else None
        self.dir = Path(options.dir)
        self.out = self.dir / "out"
        self.bodies = self.dir / "bodies"
        self.report = self.dir / "report.ndjson"
        self.rejects = self.dir / "rejects.ndjson"
        self.notes = []
        self.table = Table()

    def sample(self, name, contacts, *options):
        path = self.dir / name
        if not path.exists():
            command = [self.presort, "sample", "--contacts", str(contacts), "-o", str(path), *options]
            subprocess.run(command, check=True)
        warm(path)
        return path

    def big(self):
        return self.sample("big.json", self.contacts)

    def clean(self, program, input, *options, threads=None, split=False, reports=(), baseline=None):
        """A row that cleans a file to a file, or to a directory of bodies."""
        how = ["--split", "-o", self.bodies, "--replace"] if split else ["--format", "ndjson", "-o", self.out]
        files = {"--report": self.report, "--rejects": self.rejects}
        for option in reports:
            how += [option, files[option]]
        if threads:
            program += f", {threads} thread{'s' if threads > 1 else ''}"
            how += ["--threads", threads]
        command = [self.presort, "clean", input, "--quiet", *how, *options]
        return Row(program, command, input.stat().st_size, outputs=[self.out, self.bodies, *files.values()], baseline=baseline)

    # From file to file.

    def file(self):
        big = self.big()
        rows = [Row("cp", ["cp", big, self.out], big.stat().st_size, outputs=[self.out], baseline="cp")]
        for threads in (1, 2):
            for split, mode in ((False, "--format ndjson"), (True, "--split")):
                rows.append(self.clean(f"presort {mode}", big, threads=threads, split=split, baseline="cp"))
        for threads in (1, 2):
            for split, mode in ((False, "--format ndjson"), (True, "--split")):
                name = f"presort {mode} --report"
                rows.append(self.clean(name, big, threads=threads, split=split, reports=["--report"], baseline="cp"))
        measure(rows, self.runs)
        self.table.add("file to file, 5 % messy", rows)

    # Every contact bad, beside the file of which few are.

    def bad(self):
        big = self.big()
        bad = self.sample("bad.json", self.contacts, "--mess", "100")
        both = ["--report", "--rejects"]
        rows = [Row("cp", ["cp", bad, self.out], bad.stat().st_size, outputs=[self.out])]
        for threads in (1, 2):
            usual = self.clean("presort --format ndjson of 5 % messy", big, threads=threads)
            usual.baseline = usual.program
            rows.append(usual)
            for split, mode in ((False, "--format ndjson"), (True, "--split")):
                name = f"presort {mode} --report --rejects"
                rows.append(self.clean(name, bad, threads=threads, split=split, reports=both, baseline=usual.program))
        measure(rows, self.runs)
        self.table.add("every contact bad", rows)
        bad.unlink()

    # From standard input to standard output.

    def pipe(self):
        big = self.big()
        file, size = shlex.quote(str(big)), big.stat().st_size
        failed = self.dir / "failed"
        rows = [
            Row("cat FILE", f"cat {file} > /dev/null", size),
            Row("cat \\| cat", f"cat {file} | cat > /dev/null", size),
            Row("cat \\| cat \\| cat", f"cat {file} | cat | cat > /dev/null", size),
        ]
        for threads in (1, 2):
            clean = f"{shlex.quote(self.presort)} clean --format ndjson --quiet --threads {threads}"
            # The shell answers with the last program's status only.
            clean = f"{{ {clean} || [ $? = 1 ] || touch {shlex.quote(str(failed))}; }}"
            name = f"cat \\| presort \\| cat, {threads} thread{'s' if threads > 1 else ''}"
            rows.append(Row(name, f"cat {file} | {clean} | cat > /dev/null", size))
        for row in rows:
            row.baseline = "cat \\| cat"
        measure(rows, self.runs)
        if failed.exists():
            raise SystemExit("presort could not clean from standard input")
        self.table.add("standard input to standard output", rows)

    # One request body.

    def body(self):
        big = self.big()
        body = self.dir / "body.json"
        largest = 4_000_000
        with open(big, "rb") as file:
            start = file.read(largest - 2)
        if len(start) == largest - 2:
            # Whole contacts only, and the end of the array and of the body behind them.
            start = start[: start.rindex(b'},{"') + 1] + b"]}"
        body.write_bytes(start)
        size = len(start)
        rows = [Row("cp of the body", ["cp", body, self.out], size, outputs=[self.out])]
        rows.append(Row("presort --version", [self.presort, "--version"], size))
        for name, input in (("presort, the body", body), ("presort, the first 4 MB of the large file", big)):
            row = Row(name, [self.presort, "clean", input, "--quiet", "-o", self.out], size, outputs=[self.out])
            rows.append(row)
        for row in rows:
            row.baseline = "cp of the body"
        measure(rows, self.runs * 5)
        self.table.add("one body of 4 MB", rows)

    # Reading alone.

    def parse(self):
        big = self.big()
        size, printed = big.stat().st_size, self.dir / "printed"
        rows, name = [], None
        if self.simdjson:
            name = "simdjson on-demand, every field, in memory, buffers warm"

            def best(text):
                return json.loads(text)["seconds"]

            rows.append(Row(name, [self.simdjson, big, 3], size, stdout=printed, reported=best))
            rows.append(Row("simdjson on-demand, every field, whole process", [self.simdjson, big, 1], size))
        else:
            self.notes.append("skipped: simdjson is not installed (apt-get install g++ libsimdjson-dev)")
        rows.append(self.clean("presort --format ndjson", big, threads=1))
        measure(rows, self.runs)

        # presort measures its own stages, in rounds of its own.
        command = [self.presort, "bench", big, "--runs", str(self.runs), "--threads", "1", "--format", "json"]
        bench = Row("presort bench", command, size, stdout=printed)
        bench.run(True)
        for stage in json.loads(printed.read_text())["stages"]:
            if stage["stage"] in ("split", "parse"):
                what = "contacts found" if stage["stage"] == "split" else "simd-json tape in batches, every field"
                row = Row(f"presort bench: {what}, 1 thread", command, size)
                row.seconds, row.peak = stage["seconds"], bench.peak
                rows.append(row)
        clear([printed])
        for row in rows:
            row.baseline = name
        self.table.add("reading", rows)

    # The job itself, with what a user would write.

    def job(self):
        small = self.sample("small.ndjson", self.small, "--format", "ndjson")
        size, out, quoted = small.stat().st_size, self.out, shlex.quote(str(small))
        first = self.clean("presort", small, threads=1)
        rows = [first, self.clean("presort", small, threads=2)]
        if shutil.which("jq"):
            rows.append(Row("jq", ["jq", "-c", "-f", HERE / "clean.jq", small], size, stdout=out))
        else:
            self.notes.append("skipped: jq is not installed (apt-get install jq)")
        missing = [name for name in ("orjson", "email_validator", "phonenumbers") if not importlib.util.find_spec(name)]
        if not missing:
            name = "Python: orjson, email-validator, phonenumbers"
            rows.append(Row(name, [sys.executable, HERE / "clean.py", small, out], size, outputs=[out]))
        else:
            install = "pip install orjson email-validator phonenumbers"
            self.notes.append(f"skipped: not installed for Python: {', '.join(missing)} ({install})")
        if importlib.util.find_spec("duckdb"):
            query = self.dir / "clean.sql"
            text = (HERE / "clean.sql").read_text()
            query.write_text(text.replace("'INPUT'", f"'{small}'").replace("'OUTPUT'", f"'{out}'"))
            script = "import duckdb, sys; duckdb.sql(open(sys.argv[1]).read())"
            rows.append(Row("DuckDB, all threads", [sys.executable, "-c", script, query], size, outputs=[out]))
        else:
            self.notes.append("skipped: duckdb is not installed (pip install duckdb)")
        if shutil.which("mlr"):
            filter = shlex.quote(str(HERE / "clean.mlr"))
            command = f"grep '^{{' {quoted} | grep -v '\"\":' | mlr --ijsonl --ojsonl put -q -f {filter}"
            rows.append(Row("Miller", command, size, stdout=out))
        else:
            self.notes.append("skipped: Miller is not installed (apt-get install miller)")
        for row in rows:
            row.baseline = first.program
        # A look at what each wrote; it stands for the first round that is not counted.
        counts = []
        for row in rows:
            row.run(False)
            with open(out, "rb") as lines:
                counts.append(f"{row.program} {sum(1 for _ in lines):,}")
        self.notes.append(f"contacts written, of {self.small:,}: {'; '.join(counts)}")
        measure(rows, self.runs, warm_up=False)
        self.table.add(f"the main rules, {self.small:,} contacts", rows)


    # Tables, in memory: no disk in the way.

    def tables(self):
        disk = self.dir
        if self.memory:
            self.dir, self.out = self.memory, self.memory / "out"
        else:
            self.notes.append(f"tables: there is no /dev/shm, so that the files were in {disk}")
        self.tables_in_memory()
        self.dir, self.out = disk, disk / "out"

    def tables_in_memory(self):
        lines = self.sample("rows.ndjson", self.rows, "--format", "ndjson")
        table = self.sample("rows.csv", self.rows, "--format", "csv")
        quoted = self.sample("quoted.csv", self.rows, "--format", "csv", "--quote-all")

        def presort(what, input, threads):
            row = self.clean(f"presort, {what}", input, threads=threads)
            row.work = self.rows
            return row

        one = {name: presort(name, input, 1) for name, input in (("NDJSON", lines), ("CSV", table), ("CSV, all cells quoted", quoted))}
        two = {name: presort(name, input, 2) for name, input in (("NDJSON", lines), ("CSV", table))}
        strict = self.strict(table)
        alone = [presort("strict CSV", strict, threads) for threads in (2, 1)]
        others = self.table_peers(strict)
        packed, copies = [], []
        for name, input in (("CSV", table), ("NDJSON", lines)):
            for program, options, unpack in (("gzip", ["-1"], "zcat"), ("zstd", ["-3", "--quiet"], "zstd -dc")):
                if not shutil.which(program):
                    self.notes.append(f"skipped: {program} is not installed (apt-get install {program})")
                    continue
                copy = input.with_name(f"{input.name}.{program}")
                with open(copy, "wb") as file:
                    subprocess.run([program, *options, "-c", input], stdout=file, check=True)
                copies.append(copy)
                plain = Row(f"{unpack}, {name}", f"{unpack} < {shlex.quote(str(copy))}", input.stat().st_size, work=self.rows)
                row = presort(f"{name} in {program}", copy, 2)
                row.size = input.stat().st_size
                packed.append((name, program, plain, row))
        every = [*one.values(), *two.values(), *alone, *others]
        every += [row for _, _, plain, row in packed for row in (plain, row)]
        measure(every, self.runs)

        def add(work, baseline, rows):
            for row in [baseline, *rows]:
                row.baseline = baseline.program
            self.table.add(work, [baseline, *rows])

        add("CSV beside JSON", one["NDJSON"], [one["CSV"], one["CSV, all cells quoted"]])
        add("a second thread", one["CSV"], [two["CSV"]])
        # presort applies all of its rules; the others only convert.
        first, *rest = [*others, *alone]
        add("strict CSV to NDJSON", first, rest)
        for name, program, plain, row in packed:
            add(f"{program}, unpacked alone", plain, [row])
            if program == "zstd":
                add("zstd, beside the plain file", two[name], [row])

    def strict(self, table):
        """The table as RFC 4180 has it: Polars and DuckDB stop at spaces around quotes and at rows of another length."""
        path = table.with_name("strict.csv")
        with open(table, newline="", encoding="utf-8") as read, open(path, "w", newline="", encoding="utf-8") as write:
            rows = csv.reader(read, skipinitialspace=True)
            header = next(rows)
            writer = csv.writer(write, lineterminator="\n")
            writer.writerow(header)
            writer.writerows((row + [""] * len(header))[: len(header)] for row in rows if any(row))
        warm(path)
        return path

    def table_peers(self, table):
        """Programs that turn a table into lines of JSON, without a rule. Those in Python take their own time, without its start."""
        size, rows, printed = table.stat().st_size, [], self.dir / "printed"
        scripts = {
            "polars": (
                "Polars, streaming sink, 2 threads",
                "import os, sys, time; os.environ['POLARS_MAX_THREADS'] = '2'; import polars; began = time.perf_counter(); "
                "polars.scan_csv(sys.argv[1], infer_schema=False).sink_ndjson(sys.argv[2]); "
                "print(time.perf_counter() - began)",
            ),
            "duckdb": (
                "DuckDB, 2 threads",
                "import sys, time, duckdb; duckdb.sql('SET threads = 2; SET enable_progress_bar = false'); began = time.perf_counter(); "
                "duckdb.sql(f\"COPY (SELECT * FROM read_csv('{sys.argv[1]}', all_varchar = true)) "
                "TO '{sys.argv[2]}' (FORMAT json)\"); "
                "print(time.perf_counter() - began)",
            ),
        }
        for module, (name, script) in scripts.items():
            if not importlib.util.find_spec(module):
                self.notes.append(f"skipped: {module} is not installed (pip install {module})")
                continue
            command = [sys.executable, "-c", script, table, self.out]
            rows.append(Row(name, command, size, stdout=printed, outputs=[self.out], reported=float, work=self.rows))
        if shutil.which("mlr"):
            rows.append(Row("Miller", ["mlr", "--icsv", "--ojsonl", "cat", table], size, stdout=self.out, work=self.rows))
        else:
            self.notes.append("skipped: Miller is not installed (apt-get install miller)")
        return rows


KINDS = ("file", "bad", "pipe", "body", "parse", "job", "tables")


def peers(options):
    peers = Peers(options)
    for kind in KINDS:
        if options.only in (None, kind):
            getattr(peers, kind)()
    if peers.notes:
        print()
    for note in peers.notes:
        print(f"- {note}")


def bytes_of(text):
    """8M, 2G: decimal, as file sizes are told."""
    units = {"K": 10**3, "M": 10**6, "G": 10**9}
    return int(float(text[:-1]) * units[text[-1].upper()]) if text[-1].isalpha() else int(text)


def growth(options):
    """Time and memory as the input grows."""
    least, folder = floor(), Path(options.dir)
    out, bodies, failed = folder / "out", folder / "bodies", folder / "failed"
    print("| input | contacts | mode | from | threads | median s | MB/s | peak MiB |")
    print("| ---: | ---: | --- | --- | ---: | ---: | ---: | ---: |", flush=True)
    for size in map(bytes_of, options.sizes.split(",")):
        input, contacts = folder / "input.json", max(size // CONTACT, 1)
        subprocess.run([options.presort, "sample", "--contacts", str(contacts), "-o", str(input)], check=True)
        warm(input)
        rows = []
        for mode, how in (("stream", ["--format", "ndjson", "-o", out]), ("split", ["--split", "-o", bodies])):
            for threads in (1, 2):
                more = [*map(str, how), "--threads", str(threads), "--quiet"]
                command = [options.presort, "clean", str(input), *more]
                rows.append((mode, "file", threads, Row(mode, command, input.stat().st_size, outputs=[out, bodies])))
                clean = shlex.join([options.presort, "clean", *more])
                command = f"cat {shlex.quote(str(input))} | {clean} || [ $? = 1 ] || touch {shlex.quote(str(failed))}"
                rows.append((mode, "pipe", threads, Row(mode, command, input.stat().st_size, outputs=[out, bodies])))
        measure([row for *_, row in rows], options.runs, warm_up=False)
        if failed.exists():
            raise SystemExit("presort could not clean from standard input")
        for mode, source, threads, row in rows:
            print(
                f"| {row.size / 1e6:,.0f} MB | {contacts:,} | {mode} | {source} | {threads} | {row.median():.3f} "
                f"| {rate(row)} | {mib(row.peak, least)} |",
                flush=True,
            )
        input.unlink()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(required=True)
    for name, function in (("peers", peers), ("growth", growth)):
        command = commands.add_parser(name)
        command.set_defaults(function=function)
        command.add_argument("--presort", required=True, help="the program")
        command.add_argument("--dir", required=True, help="where files are made")
        command.add_argument("--runs", type=int, default=5)
        if name == "peers":
            command.add_argument("--simdjson", help="the program made of simdjson_ondemand.cpp")
            command.add_argument("--contacts", type=int, default=3_000_000)
            command.add_argument("--small", type=int, default=100_000)
            command.add_argument("--rows", type=int, default=1_500_000)
            command.add_argument("--memory", help="a directory in memory, for tables")
            command.add_argument("--only", choices=KINDS)
        else:
            command.add_argument("--sizes", default="8M,64M,512M,2G,4G")
    options = parser.parse_args()
    if options.runs < 1:
        parser.error("--runs takes a number from 1")
    # What presort bench makes goes to the same place.
    os.environ["TMPDIR"] = options.dir
    options.function(options)


if __name__ == "__main__":
    main()
