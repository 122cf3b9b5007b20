#!/usr/bin/env bash
# Runs job.py, pipe.py, the JVM's pipe and SQL's TRANSFORM on two threads of this machine, and compares each with one run of presort.
#
# usage: examples/spark/test.sh PRESORT_BINARY PYTHON [job] [formats] [pipes]
#
# PYTHON has pyspark and pyarrow, and Spark finds a Java. CONTACTS (400,000) sets the size.
set -euo pipefail

if [ $# -lt 2 ]; then
  echo "usage: $0 PRESORT_BINARY PYTHON [job] [formats] [pipes]" >&2
  exit 2
fi
presort=$(realpath -- "$1")
python=$(command -v -- "$2")
here=$(cd "$(dirname "$0")" && pwd)
contacts=${CONTACTS:-400000}
dir=$(mktemp -d)
trap 'rm -rf -- "$dir"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Eight files, each one partition. The last has a blank line alone: an empty partition.
mkdir "$dir/in"
"$presort" sample --contacts $((contacts - 7)) --mess 20 --seed 3 --format ndjson >"$dir/sample"
split --number=l/7 --numeric-suffixes=1 --suffix-length=1 --additional-suffix=.ndjson "$dir/sample" "$dir/in/"
# One contact that all of them have.
for file in "$dir"/in/*.ndjson; do
  echo '{"email":"Everywhere@example.com","first_name":"Ubiquitous"}' >>"$file"
done
echo >"$dir/in/8.ndjson"

export PYSPARK_PYTHON=$python PYSPARK_DRIVER_PYTHON=$python SPARK_LOCAL_IP=127.0.0.1 SPARK_LOCAL_HOSTNAME=localhost
# What does not leave this machine must not take the way round by a proxy.
export NO_PROXY="${NO_PROXY:+$NO_PROXY,}127.0.0.1,localhost" no_proxy="${no_proxy:+$no_proxy,}127.0.0.1,localhost"
"$python" "$here/check.py" "$presort" "$dir" "${@:3}"
