#!/usr/bin/env python3
"""Cleans an export of any size with Spark, and writes request bodies for the import.

    python job.py contacts/*.ndjson --output out --list-id UUID
    python job.py crm.csv --format csv --output out --list-id UUID -- --truncate

Spark reads and distributes, presort cleans: each task drives one worker (`presort clean --worker`) through pipes. Duplicates are found
over all partitions, and the first one stays. Only DataFrames are used, so the job runs with Spark Connect as well (--remote).

Out come, in the directory of --output, which must be one that all machines share:
    bodies/     request bodies, payload-ID-00001.json ..., and the receipt of all, receipt.json
    findings/   errors and warnings, one JSON object a line; changes/ and rejects/ likewise
    staging/    what the workers wrote, as Parquet; it can be removed when the job is done
"""

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading

import pyarrow as pa
import pyarrow.compute as pc
from pyspark import TaskContext
from pyspark.sql import SparkSession, Window
from pyspark.sql import functions as F

KEY = "presort_key"
BLOCK = 1 << 20  # Bytes that are read of a worker at once.
TAGGED = "part int, position long, kind string, key string, value string"


def find(program):
    """The path of presort on this machine: by name, or beside the Python that pip installed it for."""
    beside = os.path.join(os.path.dirname(sys.executable), program)
    return shutil.which(program) or (beside if os.path.exists(beside) else program)


def through(command, batches):
    """Writes the first column of `batches` to a command, a line per row, and yields what it answers in blocks of whole lines.

    Raises an error if the command fails: Spark then runs the task again.
    """
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    failed = []

    def feed():
        try:
            for batch in batches:
                lines = pc.binary_join_element_wise(batch.column(0).drop_null(), "", "\n")
                if len(lines) > 0:
                    # The texts of an Arrow array lie one behind the other.
                    child.stdin.write(lines.buffers()[2])
            child.stdin.close()
        except BrokenPipeError:
            pass  # The command has ended, and its status says why.
        except BaseException as error:
            # The command must not take this for the end of its input: it is killed before its input closes.
            failed.append(error)
            child.kill()

    def drain():
        said.append(child.stderr.read())

    said = []
    threads = [threading.Thread(target=work, daemon=True) for work in (feed, drain)]
    for thread in threads:
        thread.start()
    try:
        part = b""
        while block := child.stdout.read1(BLOCK):
            end = block.rfind(b"\n") + 1
            if end > 0:
                yield part + block[:end]
                part = b""
            part += block[end:]
        if part:
            yield part
    finally:
        if sys.exc_info()[0] is not None:
            child.kill()
        child.wait()
        for thread in threads:
            thread.join()
    if failed:
        raise failed[0]
    if child.returncode != 0:
        raise RuntimeError(f"{command[0]} ended with {child.returncode}: {b''.join(said).decode(errors='replace').strip()}")


def rows_of(part, position, kind, lines):
    """Tagged lines of one kind, as rows of TAGGED."""
    count = len(lines)
    values = pc.binary_slice(pa.array(lines, pa.binary()), len(kind) + 19, -1).cast(pa.string())
    keys = pa.nulls(count, pa.string())
    if kind == "contact":
        # The last member, which the worker has added.
        ends = pc.list_element(pc.split_pattern(values, f',"{KEY}":"', max_splits=1, reverse=True), 1)
        keys = pc.utf8_slice_codeunits(ends, 0, -2)
    columns = [pa.repeat(pa.scalar(part, pa.int32()), count), pa.array(range(position, position + count), pa.int64())]
    columns += [pa.repeat(pa.scalar(kind), count), keys, values]
    return pa.RecordBatch.from_arrays(columns, ["part", "position", "kind", "key", "value"])


def kind_of(line):
    return line[9 : line.index(b'"', 9)].decode()


def cleaner(program, options):
    """A function for mapInArrow: contacts in, all that a worker writes out."""

    def clean(batches):
        part = TaskContext.get().partitionId()
        command = [find(program), "clean", "--format", "ndjson", "--worker", "--tagged"]
        command += ["--part", str(part), "--key", KEY, *options]
        position, end, ahead = 0, None, hashlib.sha256()
        for block in through(command, batches):
            lines = block.split(b"\n")
            lines.pop()
            if lines and lines[-1].startswith(b'{"kind":"end"'):
                end = json.loads(lines.pop())
                block = block[: block.rindex(b'{"kind":"end"')]
            ahead.update(block)
            # A worker writes one kind behind the other: a block has lines of one, or a few.
            while lines:
                kind = kind_of(lines[0])
                count = len(lines) if kind_of(lines[-1]) == kind else next(i for i, line in enumerate(lines) if kind_of(line) != kind)
                yield rows_of(part, position, kind, lines[:count])
                position += count
                lines = lines[count:]
        if end is None or end["sha256"] != ahead.hexdigest():
            raise RuntimeError(f"the output of part {part} is not whole")

    return clean


def splitter(program, options, bodies):
    """A function for mapInArrow: cleaned contacts in, bodies into a directory, and the part out."""

    def split(batches):
        part = TaskContext.get().partitionId()
        command = [find(program), "clean", "--quiet", "--exit-zero", "--split", "--output", bodies]
        for _ in through([*command, "--part", str(part), "--key", KEY, *options], batches):
            pass
        yield pa.RecordBatch.from_arrays([pa.array([part], pa.int32())], ["part"])

    return split


def read(spark, paths, form):
    """One column: each contact as JSON."""
    if form == "json":
        return spark.read.text(paths).where(F.trim("value") != "")
    if form == "parquet":
        rows = spark.read.parquet(*paths)
    else:
        spaces = {"ignoreLeadingWhiteSpace": True, "ignoreTrailingWhiteSpace": True}
        rows = spark.read.csv(paths, header=True, multiLine=True, escape='"', **spaces)
    # Each row has all names, so that workers need not guess from some of them.
    return rows.select(F.to_json(F.struct("*"), {"ignoreNullFields": "false"}).alias("value"))


def map_of(program, lines):
    """The map of the names of an export, by its first rows: the same for all workers."""
    sample = "".join(f"{row.value}\n" for row in lines.limit(1000).collect())
    ran = subprocess.run([find(program), "map", "-"], input=sample.encode(), stdout=subprocess.PIPE, check=True)
    return ran.stdout


def run(spark, arguments):
    program, out = arguments.presort, arguments.output
    bodies, staging = os.path.join(out, "bodies"), os.path.join(out, "staging")
    # The day of all workers, whatever the clocks of their machines say.
    day = arguments.as_of or spark.sql("select string(current_date())").first()[0]
    options = [*arguments.options, "--as-of", day]
    lines = read(spark, arguments.inputs, arguments.format)
    mapping = []
    if arguments.format != "json" and "--map" not in options:
        path = os.path.join(out, "map.toml")
        with open(path, "wb") as file:
            file.write(map_of(program, lines))
        mapping = ["--map", path]

    # Step one. Its result is kept, so that nothing is cleaned twice, and a task that is run again leaves one copy.
    worker = cleaner(program, ["--duplicates", "first", *mapping, *options])
    lines.mapInArrow(worker, TAGGED).write.partitionBy("kind").parquet(staging)
    tagged = spark.read.schema(TAGGED).parquet(staging)

    # The first of each key stays.
    order = Window.partitionBy("key").orderBy("part", "position")
    ranked = tagged.where("kind = 'contact'").withColumn("rank", F.row_number().over(order))
    repeated = ranked.where("rank > 1")
    duplicates = repeated.count()
    finding = F.to_json(
        F.struct(
            "part",
            F.lit("error").alias("severity"),
            F.lit("DUP001").alias("code"),
            F.col("key").alias("value"),
            F.lit("this contact is in an earlier partition").alias("message"),
            F.lit("rejected").alias("outcome"),
        )
    )
    findings = tagged.where("kind = 'finding'").select("value").union(repeated.select(finding.alias("value")))
    findings.write.text(os.path.join(out, "findings"))
    for kind, name in [("change", "changes"), ("reject", "rejects")]:
        tagged.where(F.col("kind") == kind).select("value").write.text(os.path.join(out, name))

    # Step two, in the order of the input.
    lists = [option for one in arguments.list_id for option in ("--list-id", one)]
    first = ranked.where("rank = 1").repartitionByRange(arguments.partitions, "part", "position")
    contacts = first.sortWithinPartitions("part", "position").select("value")
    parts = contacts.mapInArrow(splitter(program, [*lists, *options], bodies), "part int").count()

    with tempfile.TemporaryDirectory() as side:
        receipts = tagged.where("kind = 'receipt'").select("part", "value").collect()
        for row in receipts:
            with open(os.path.join(side, f"receipt-{row.part}.json"), "w", encoding="utf-8") as file:
                file.write(row.value)
        command = [find(program), "receipt", "merge", side, bodies, "--duplicates", str(duplicates)]
        subprocess.run([*command, "--output", os.path.join(bodies, "receipt.json")], check=True)
    subprocess.run([find(program), "receipt", "verify", bodies], check=True)
    print(f"{len(receipts)} workers, {parts} parts of bodies, {duplicates} duplicates between partitions", file=sys.stderr)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("inputs", nargs="+", help="files or directories, as Spark reads them")
    parser.add_argument("--format", choices=["json", "csv", "parquet"], default="json")
    parser.add_argument("--output", required=True, help="a directory that does not exist")
    parser.add_argument("--list-id", action="append", required=True)
    parser.add_argument("--as-of", metavar="YYYY-MM-DD", help="the day to use as today")
    parser.add_argument("--partitions", type=int, default=8, help="into how many parts the bodies are divided")
    parser.add_argument("--presort", default="presort", help="the program on all machines")
    parser.add_argument("--remote", help="the address of a Spark Connect server, or local[2]")
    parser.add_argument("--conf", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("options", nargs="*", help="behind --: options of presort clean, such as --truncate")
    given = sys.argv[1:]
    at = given.index("--") if "--" in given else len(given)
    arguments = parser.parse_args(given[:at])
    arguments.options = given[at + 1 :]
    arguments.output = os.path.abspath(arguments.output)
    os.makedirs(arguments.output)
    if "PYSPARK_GATEWAY_PORT" not in os.environ:
        # Without spark-submit, the workers of this machine are to be the Python that has these packages.
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.appName("presort")
    for conf in arguments.conf:
        builder = builder.config(*conf.split("=", 1))
    spark = (builder.remote(arguments.remote) if arguments.remote else builder).getOrCreate()
    try:
        run(spark, arguments)
    finally:
        spark.stop()


if __name__ == "__main__":
    main()
