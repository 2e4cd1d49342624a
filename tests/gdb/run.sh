#!/bin/sh
# run.sh PROGRAM FOLDER: the gdb script with a hung program and with a core file of it, with one and
# many workers, with and without debug mode.
set -u

program=$1 folder=$2
cd -- "$(dirname -- "$0")/../.." || exit 1
script=$PWD/tools/bide-gdb.py
if ! command -v gdb >/dev/null 2>&1 || ! gdb -nx -batch -ex 'python print(1)' >/dev/null 2>&1; then
	echo "SKIP gdb: it is not installed, or has no python"
	exit 77
fi
mkdir -p "$folder" && work=$(mktemp -d "$folder/gdb.XXXXXX") || exit 1
pid=
trap 'kill $pid 2>/dev/null; rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
failed=0

# at CODE: prints the place of that line of the program.
at() {
	echo "hang.c:$(grep -nF -- "$1" tests/gdb/hang.c | head -n 1 | cut -d: -f1)"
}

# says FILE TEXT: the file must contain a line with the text.
says() {
	grep -qF -- "$2" "$1" && return
	echo "\"$2\" is not in:"
	sed 's/^/    /' "$1"
	failed=1
}

# tells FILE: checks the output of `bide frames` about the program, live or dead.
tells() {
	says "$1" "$(at 'await(gate)'), waits for task 0x"
	says "$1" "$(at 'await(bide_group_wait')"
	says "$1" '    awaited by top at '
	says "$1" '    awaited by middle at '
	says "$1" '        awaited by thread 1, which waits for it'
	says "$1" '    in bide_when_all'
	says "$1" "$(at 'await(when_all')"
	says "$1" "$(at '	await(delay_ms'), waits for a delay"
	says "$1" '5 pending'
	if grep -q 'bide_group_waiter\|bide_group_reporter\|stuck.c\|Traceback' "$1"; then
		echo "the library's own functions are named:"
		cat "$1"
		failed=1
	fi
}

# sleeps PID: no thread of the process runs or is ready to run.
sleeps() {
	! cat "/proc/$1/task/"*/stat 2>/dev/null | sed 's/.*) //' | grep -q '^R'
}

# wait_until_asleep PID: waits as long as a busy machine needs, at most two minutes.
wait_until_asleep() {
	for _ in $(seq 600); do
		sleep 0.1
		if sleeps "$1" && sleep 0.1 && sleeps "$1"; then return; fi
	done
}

for workers in 1 2 8; do
	for debug in 0 1; do
		mkfifo "$work/ready" || exit 1
		env -u BIDE_SEED BIDE_DEBUG=$debug BIDE_WORKERS=$workers "$program" >"$work/ready" &
		pid=$!
		read -r ready <"$work/ready"
		rm "$work/ready"
		[ "$ready" = ready ] || exit 1
		wait_until_asleep $pid
		if ! gdb -nx -batch -p $pid -ex "source $script" -ex 'bide frames' -ex 'bide tasks' \
			-ex 'call (long)bide_dump(0, 0)' -ex "generate-core-file $work/core" >"$work/live" 2>&1 ||
			grep -q 'ptrace: Operation not permitted' "$work/live"; then
			if grep -q ptrace "$work/live"; then
				echo "SKIP gdb: it may not attach to a process here"
				exit 77
			fi
			failed=1
		fi
		kill $pid 2>/dev/null
		wait $pid 2>/dev/null
		tells "$work/live"
		says "$work/live" "\$1 = 5"
		gdb -nx -batch "$program" "$work/core" -ex "source $script" -ex 'bide frames' -ex 'bide tasks' \
			>"$work/dead" 2>&1 || failed=1
		tells "$work/dead"
		if [ "$debug" = 1 ]; then
			says "$work/dead" "$(at 'task_create(') in main, 1 reference, awaited"
			says "$work/dead" "$(at 'async_start(waiter))') in top"
		fi
		[ "$failed" = 0 ] || { echo "with $workers workers, BIDE_DEBUG=$debug"; exit 1; }
	done
done

# A program without bide, and one that has not started, give a message and no Python traceback.
gdb -nx -batch -ex "source $script" -ex 'bide frames' >"$work/none" 2>&1
says "$work/none" 'bide: there is no symbol bide_layout_'
gdb -nx -batch "$program" -ex "source $script" -ex 'bide frames' >"$work/none" 2>&1
grep -q Traceback "$work/none" && failed=1 && cat "$work/none"
[ "$failed" = 0 ] && echo "gdb: a live process and a core file, 1, 2 and 8 workers"
exit "$failed"
