#!/usr/bin/env bash
# presort, but the first worker of part 3 is killed after a megabyte of its input. For test.sh.
if [[ " $* " == *" --worker "*" --part 3 "* ]] && mkdir -- "$KILLED" 2>/dev/null; then
  { head -c 1000000; sleep 2; } <&0 | "$PRESORT" "$@" &
  worker=$!
  sleep 1
  kill -KILL "$worker" $$
fi
exec "$PRESORT" "$@"
