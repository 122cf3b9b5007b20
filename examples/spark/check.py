"""Compares what Spark made of an export with what one run makes of it: python check.py PRESORT DIR [job] [formats] [pipes]

For test.sh, which has made the export in DIR. Each way to drive a worker must give the same contacts, counts and findings.
"""

import glob
import json
import os
import shutil
import subprocess
import sys
from collections import Counter

from pyspark.sql import SparkSession

presort, top = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
here = os.path.dirname(os.path.abspath(__file__))
LIST = "04fe9a97-a579-43c5-bb1a-58ed29bf0a6a"
DAY = "2026-01-31"
os.chdir(top)
# As Spark orders them: the first partitions are the largest files. Which of two duplicates is the first depends on it.
FILES = sorted(glob.glob("in/*.ndjson"), key=os.path.getsize, reverse=True)
BIGGEST = os.path.getsize(FILES[0])


def say(text):
    print(f"spark: {text}", flush=True)


def lines(pattern):
    found = []
    for path in sorted(glob.glob(pattern)):
        with open(path, encoding="utf-8", errors="replace") as file:
            # Not splitlines: values have other characters that end lines for Python.
            found += [line for line in file.read().split("\n") if line]
    return found


def same(what, one, other):
    if one != other and isinstance(one, list):
        one, other = sorted((Counter(one) - Counter(other)).items()), sorted((Counter(other) - Counter(one)).items())
        raise SystemExit(f"spark: FAILED: {what} differ by {len(one)} and {len(other)}: {str(one)[:600]} and {str(other)[:600]}")
    if one != other:
        raise SystemExit(f"spark: FAILED: {what} differ: {str(one)[:400]} and {str(other)[:400]}")


def plain(contact):
    """A contact as text, however its JSON was written."""
    return json.dumps(json.loads(contact) if isinstance(contact, str) else contact)


def alone(inputs, out, *options):
    """One run over everything: its contacts, its receipt, its findings by code."""
    os.makedirs(out)
    command = [presort, "clean", "-q", "--exit-zero", "--format", "ndjson", "-o", f"{out}/contacts", "--as-of", DAY]
    command += ["--report", f"{out}/report", "--rejects", f"{out}/rejects", "--receipt", f"{out}/receipt.json"]
    subprocess.run([*command, *options, *inputs], check=True)
    with open(f"{out}/receipt.json") as file:
        return sorted(map(plain, lines(f"{out}/contacts"))), json.load(file), codes(lines(f"{out}/report"))


def codes(report):
    return Counter(json.loads(line)["code"] for line in report)


def job(name, inputs, *options, program=presort):
    """Runs the job; the bodies' contacts in their order, the receipt and the codes of the findings."""
    command = [sys.executable, f"{here}/job.py", *inputs, "--output", name, "--list-id", LIST, "--as-of", DAY]
    ran = subprocess.run([*command, "--presort", program, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if ran.returncode != 0:
        raise SystemExit(f"spark: FAILED: {name}:\n{ran.stderr.decode(errors='replace')[-4000:]}")
    contacts = []
    for path in sorted(glob.glob(f"{name}/bodies/payload-*.json")):
        with open(path, encoding="utf-8") as file:
            body = json.load(file)
        same("lists", body["list_ids"], [LIST])
        contacts += map(plain, body["import_data"])
    with open(f"{name}/bodies/receipt.json") as file:
        receipt = json.load(file)
    return sorted(contacts), receipt, codes(lines(f"{name}/findings/*.txt")), ran.stderr.decode(errors="replace")


def counts(receipt):
    # Not those of values that were changed: a duplicate of another partition was accepted at first, and counted there.
    of = receipt["contacts"]
    return {name: of[name] for name in ("seen", "accepted", "rejected", "opted_out", "duplicates") if name in of}


def the_job():
    contacts, receipt, findings = alone(FILES, "alone", "--duplicates", "first")
    conf = ["--conf", "spark.master=local[2,4]", "--conf", f"spark.sql.files.maxPartitionBytes={BIGGEST}"]
    os.environ["KILLED"] = f"{top}/killed"
    os.environ["PRESORT"] = presort
    got, merged, got_findings, said = job("job", FILES, *conf, program=f"{here}/killed-once.sh")
    same("contacts", got, contacts)
    same("counts", counts(merged), counts(receipt))
    same("findings", sorted(got_findings.elements()), sorted(findings.elements()))
    if not os.path.exists("killed"):
        raise SystemExit("spark: FAILED: no worker was killed")
    same("workers", f"{len(FILES)} workers" in said, True)
    same("duplicates between partitions", merged["duplicates_between_parts"] > 0, True)
    same("an empty partition", any(one["contacts"] == 0 for one in merged["input"]), True)
    say(f"job: {len(contacts):,} contacts of {merged['contacts']['seen']:,}, as one run has them; one worker killed and run again")


def other_formats():
    """Rows of a table, and Spark Connect."""
    subprocess.run([presort, "sample", "--system", "hubspot", "--format", "csv", "--contacts", "3000", "--mess", "20", "-o", "crm.csv"], check=True)
    contacts, receipt, _ = alone(["crm.csv"], "alone-csv", "--duplicates", "first")
    got, merged, _, _ = job("job-csv", ["crm.csv"], "--format", "csv")
    same("contacts of the table", got, contacts)
    same("counts of the table", counts(merged), counts(receipt))
    say(f"CSV: {len(contacts):,} contacts, as one run has them")
    spark = SparkSession.builder.master("local[2]").config("spark.ui.showConsoleProgress", "false").getOrCreate()
    spark.read.csv("crm.csv", header=True, multiLine=True, escape='"').repartition(3).write.parquet("crm.parquet")
    spark.stop()
    got, merged, _, _ = job("job-parquet", ["crm.parquet"], "--format", "parquet")
    same("contacts of Parquet", (len(got), merged["contacts"]["seen"]), (len(contacts), receipt["contacts"]["seen"]))
    say("Parquet: the same number")
    try:
        import grpc  # noqa: F401
    except ImportError:
        say("SKIPPED: Spark Connect needs grpcio")
        return
    got, merged, _, _ = job("job-connect", ["crm.csv"], "--format", "csv", "--remote", "local[2]")
    same("contacts by Spark Connect", got, contacts)
    say("Spark Connect: the same contacts")


def pipes():
    """RDD.pipe of Python and of the JVM, and SQL's TRANSFORM: every way that ends a job when a worker fails."""
    inputs = FILES
    contacts, receipt, findings = alone(inputs, "alone-pipe")
    command = [sys.executable, f"{here}/pipe.py", ",".join(inputs), "pipe", presort]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL, env={**os.environ, "SPARK_CONF_DIR": "/nowhere"})
    written = map(plain, lines("pipe/contacts/part-*"))
    same("contacts of RDD.pipe", sorted(written), contacts)
    seen = sum(json.loads(line)["contacts"]["seen"] for line in lines("pipe/receipts/part-*"))
    same("counts of RDD.pipe", seen, receipt["contacts"]["seen"])
    say("RDD.pipe of Python: the same contacts")

    spark = SparkSession.builder.master("local[2]").config("spark.ui.showConsoleProgress", "false").config("spark.ui.enabled", "false").getOrCreate()
    worker = f"{presort} clean --format ndjson --worker --part {{}} --tagged --as-of {DAY}"
    partitions = spark.sparkContext._jsc.textFile(",".join(f"{top}/{file}" for file in inputs), 8)
    partitions.pipe(worker.format("jvm")).saveAsTextFile(f"{top}/jvm")
    spark.read.text(inputs).createOrReplaceTempView("lines")
    transform = f"SELECT TRANSFORM(value) USING '{worker.format('sql')}' AS (line STRING) FROM lines"
    spark.sql(transform).write.text("sql")
    spark.stop()
    for name, pattern in [("JVM pipe", "jvm/part-*"), ("SQL TRANSFORM", "sql/*.txt")]:
        tagged = [json.loads(line) for line in lines(pattern)]
        of = lambda kind: [line["value"] for line in tagged if line["kind"] == kind]
        got = sorted(map(plain, of("contact")))
        same(f"contacts of {name}", got, contacts)
        same(f"counts of {name}", sum(one["contacts"]["seen"] for one in of("receipt")), receipt["contacts"]["seen"])
        got = Counter(finding["code"] for finding in of("finding"))
        same(f"findings of {name}", {code: n for code, n in (findings - got).items() if code != "DUP001"}, {})
        say(f"{name}: the same contacts, counts and findings")


ALL = {"job": the_job, "formats": other_formats, "pipes": pipes}
for name in sys.argv[3:] or ALL:
    ALL[name]()
