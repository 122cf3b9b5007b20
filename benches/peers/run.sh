#!/usr/bin/env bash
# presort beside other programs: one table of times and memory. See README.md.
set -eu

usage() {
    cat <<'END'
usage: benches/peers/run.sh [options]
  --contacts N   contacts of the large file (3000000, about 790 MB)
  --small N      contacts of the file for jq, Python, DuckDB and Miller (100000)
  --rows N       rows of the table (1500000, about 260 MB)
  --runs N       runs of each program, of which the median is told (5)
  --only NAME    one kind of work: file, bad, pipe, body, parse, job, tables
  --keep         leave the temporary directory
PRESORT=path takes that program instead of building one; TMPDIR says where files are made (up to 4 times the large file).
END
}

contacts=3000000 small=100000 rows=1500000 runs=5 keep= only=()
while [ $# -gt 0 ]; do
    case $1 in
    --contacts | --small | --rows | --runs | --only)
        [ $# -gt 1 ] || { usage >&2; exit 2; } ;;
    esac
    case $1 in
    --contacts) contacts=$2; shift ;;
    --small) small=$2; shift ;;
    --rows) rows=$2; shift ;;
    --runs) runs=$2; shift ;;
    --only) only=(--only "$2"); shift ;;
    --keep) keep=1 ;;
    -h | --help) usage; exit ;;
    *) usage >&2; exit 2 ;;
    esac
    shift
done

here=$(cd "$(dirname "$0")" && pwd)
presort=${PRESORT:-}
if [ -z "$presort" ]; then
    (cd "$here/../.." && cargo build --release --quiet)
    presort=${CARGO_TARGET_DIR:-$here/../../target}/release/presort
fi
presort=$(realpath "$presort")

dir=$(mktemp -d "${TMPDIR:-/tmp}/presort-peers.XXXXXX")
memory=
if [ -w /dev/shm ]; then
    memory=$(mktemp -d /dev/shm/presort-peers.XXXXXX)
fi
if [ -n "$keep" ]; then
    trap 'echo "kept: $dir $memory" >&2' EXIT
else
    trap 'rm -rf "$dir" ${memory:+"$memory"}' EXIT
fi
# So that a signal goes through the trap above.
trap 'exit 130' INT TERM

simdjson=()
if "${CXX:-g++}" -O3 -std=c++17 -o "$dir/simdjson_ondemand" "$here/simdjson_ondemand.cpp" -lsimdjson 2>"$dir/compiler"; then
    simdjson=(--simdjson "$dir/simdjson_ondemand")
fi

python3 "$here/measure.py" peers --presort "$presort" --dir "$dir" --contacts "$contacts" --small "$small" --rows "$rows" \
    --runs "$runs" ${memory:+--memory "$memory"} \
    ${simdjson[@]+"${simdjson[@]}"} ${only[@]+"${only[@]}"}
