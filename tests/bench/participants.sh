#!/bin/sh
# participants.sh FOLDER: asks the participants in C what the harness asks them, with two workers. The answers must have
# a value, and those of bide all counts of its scheduler; the times themselves mean nothing here.
set -eu

folder=$1
number='[0-9][0-9.]*'

fail() {
	echo "bench_participants: $1" >&2
	exit 1
}

ask() { # PROGRAM WORKERS ROW PATTERN: an answer to `run ROW` must match the pattern, and "." must follow
	answer=$(echo "run $3" | BENCH_WORKERS=$2 "$folder/$1") || fail "$1 failed: run $3"
	echo "$answer" | grep -qx "$4" || fail "$1: run $3: $answer"
	[ "$(echo "$answer" | tail -n 1)" = . ] || fail "$1: run $3: no end"
}

counts=
for name in wakes vain_wakes fences thefts lone_thefts system_calls; do
	counts="$counts,\"$name\":$number"
done
one="\"batches\":\\[$number\\]"
some="\"batches\":\\[$number\\(,$number\\)*\\]"

ask bide_workers 2 spawn_await_2 "{\"bench\":\"spawn_await_2\",\"who\":\"bide\",$some$counts}"
ask bide_workers 1 spawn_await_1 "{\"bench\":\"spawn_await_1\",\"who\":\"bide\",$some}"
for row in pipeline_overlap_2 hidden_run_2 hidden_leaf_2; do
	ask bide_workers 2 $row "{\"bench\":\"$row\",\"who\":\"bide\",$one$counts}"
	ask threads 2 $row "{\"bench\":\"$row\",\"who\":\"bare\",$one}"
done
ask threads 2 hidden_run_2 "{\"bench\":\"hidden_run_2\",\"who\":\"call\",$one}"
ask native 2 run_await_2 "{\"bench\":\"run_await_2\",\"who\":\"locked\",$some}"
ask native 1 run_await_1 "{\"bench\":\"run_await_1\",\"who\":\"callbacks\",$some}"
