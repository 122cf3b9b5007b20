"""Cleans lines of JSON with RDD.pipe: python pipe.py FILES OUTPUT [PRESORT]

The short form of job.py, for classic Spark: no duplicates over partitions, no bodies.
"""

import json
import sys

from pyspark import SparkContext

source, output, presort = (*sys.argv[1:], "presort")[:3]
sc = SparkContext.getOrCreate()
lines = sc.textFile(source, 8)
# Not the exit status alone says that a worker was whole: its last line does.
tagged = lines.pipe(f"{presort} clean --format ndjson --worker --part pipe --tagged", checkCode=True).map(json.loads).cache()
ends = tagged.filter(lambda line: line["kind"] == "end").count()
assert ends == lines.getNumPartitions(), "some worker did not reach the end of its partition"
for kind in ["contact", "finding", "reject", "receipt"]:
    values = tagged.filter(lambda line, kind=kind: line["kind"] == kind).map(lambda line: json.dumps(line["value"]))
    values.saveAsTextFile(f"{output}/{kind}s")
