#!/usr/bin/env bash
# Time and memory of presort as its input grows: one table. See README.md.
set -eu

usage() {
    cat <<'END'
usage: benches/peers/growth.sh [options]
  --sizes LIST   sizes of the inputs (8M,64M,512M,2G,4G)
  --runs N       runs of each, of which the median is told (3)
PRESORT=path takes that program instead of building one; TMPDIR says where files are made (up to twice the largest input).
END
}

sizes=8M,64M,512M,2G,4G runs=3
while [ $# -gt 0 ]; do
    case $1 in
    --sizes | --runs)
        [ $# -gt 1 ] || { usage >&2; exit 2; } ;;
    esac
    case $1 in
    --sizes) sizes=$2; shift ;;
    --runs) runs=$2; shift ;;
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

dir=$(mktemp -d "${TMPDIR:-/tmp}/presort-growth.XXXXXX")
trap 'rm -rf "$dir"' EXIT
trap 'exit 130' INT TERM

python3 "$here/measure.py" growth --presort "$presort" --dir "$dir" --sizes "$sizes" --runs "$runs"
