"""Times the first step of job.py, and the same with cat in the place of presort: python measure.py PRESORT FILES [RUNS]

Prints the median of each and their ratio, the start of a worker, and that of `true`.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time

import job
import pyarrow as pa
from pyspark.sql import SparkSession

os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
presort, source = sys.argv[1:3]
runs = int(sys.argv[3]) if len(sys.argv) > 3 else 5
spark = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").config("spark.ui.showConsoleProgress", "false").getOrCreate()
spark.sparkContext.addPyFile(job.__file__)
lines = spark.read.text(source).repartition(8).cache()
lines.count()


def copy(batches):
    position = 0
    for block in job.through(["cat"], batches):
        lines = block.split(b"\n")
        lines.pop()
        columns = [pa.array([0] * len(lines), pa.int32()), pa.array(range(position, position + len(lines)), pa.int64())]
        columns += [pa.array(["contact"] * len(lines)), pa.nulls(len(lines), pa.string()), pa.array(lines, pa.binary()).cast(pa.string())]
        yield pa.RecordBatch.from_arrays(columns, ["part", "position", "kind", "key", "value"])
        position += len(lines)


def seconds(work):
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def through(function):
    with tempfile.TemporaryDirectory() as folder:
        staging = os.path.join(folder, "staging")
        return seconds(lambda: lines.mapInArrow(function, job.TAGGED).write.partitionBy("kind").parquet(staging))


times = {"presort": [], "cat": []}
for _ in range(runs + 1):  # The first warms up.
    times["presort"].append(through(job.cleaner(presort, [])))
    times["cat"].append(through(copy))
spark.stop()
medians = {name: statistics.median(all_of[1:]) for name, all_of in times.items()}
for name, all_of in times.items():
    print(f"{name}: {medians[name]:.2f} s (from {min(all_of[1:]):.2f} to {max(all_of[1:]):.2f})")
print(f"ratio: {medians['presort'] / medians['cat']:.2f}")

worker = [presort, "clean", "--format", "ndjson", "--worker", "--part", "0", "--tagged"]
for name, command in [("start of a worker", worker), ("true", ["true"])]:
    starts = [seconds(lambda: subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)) for _ in range(50)]
    print(f"{name}: {statistics.median(starts) * 1000:.1f} ms")
