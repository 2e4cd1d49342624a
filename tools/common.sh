# What the scripts share; sourced with the root of the checkout as the working directory.
# shellcheck shell=sh

say() {
	printf '%s\n' "$*"
}

die() {
	printf './dev: %s\n' "$*" >&2
	exit 1
}

has() {
	command -v "$1" >/dev/null 2>&1
}

# claim COMMAND...: before a command writes to build: it can be written to, and only one command works there
# at a time. A second one says for whom it waits. The lock goes with the process.
claim() {
	if ! mkdir -p build/logs 2>/dev/null || ! (: >>build/.lock) 2>/dev/null; then
		die "this checkout can not be written to: $PWD/build. Work in a copy of your own (git clone $PWD)"
	fi
	[ "${BIDE_CLAIMED:-}" != "$PWD" ] || return 0
	if has flock; then
		exec 9<>build/.lock
		if ! flock -n 9; then
			say "another command works in this checkout: $(cat build/.lock 2>/dev/null); waiting for it ..."
			flock 9
		fi
		printf '%s, process %s\n' "./dev $*" "$$" >build/.lock
	else
		say "without flock (util-linux) nothing keeps a second ./dev out of this checkout" >&2
	fi
	export BIDE_CLAIMED="$PWD"
}

jobs_count() {
	nproc 2>/dev/null || getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2
}

# within COMMAND...: ends the command when the time of ./dev test --minutes is over. deadline_s is empty or the time of the
# clock.
deadline_s=
within() {
	if [ -z "$deadline_s" ] || ! has timeout; then
		"$@"
		return
	fi
	! time_is_over || return 124
	timeout --kill-after=10 "$((deadline_s - $(date +%s)))" "$@"
}

time_is_over() {
	[ -n "$deadline_s" ] && [ "$(date +%s)" -ge "$deadline_s" ]
}

# A build directory that was made in another place (the checkout was copied) can not be used here.
drop_foreign_build() {
	cache=build/$1/CMakeCache.txt
	[ -f "$cache" ] || return 0
	home=$(sed -n 's/^CMAKE_HOME_DIRECTORY:INTERNAL=//p' "$cache")
	if [ "$(cd -- "$home" 2>/dev/null && pwd -P)" != "$(pwd -P)" ]; then
		rm -rf "build/$1"
	fi
}

# try_build PRESET [TARGET]: quiet; the log is build/logs/build-PRESET.log. $configure_with: cmake's further words.
configure_with=
try_build() {
	drop_foreign_build "$1"
	mkdir -p build/logs
	{
		cmake --preset "$1" --no-warn-unused-cli ${configure_with:+"$configure_with"} &&
			within cmake --build "build/$1" --parallel "$(jobs_count)" ${2:+--target "$2"}
	} >"build/logs/build-$1.log" 2>&1
}

# build PRESET: says what it does; the end of the log when it fails.
build() {
	say "building build/$1 ..."
	if ! try_build "$@"; then
		tail -n 40 "build/logs/build-$1.log" >&2
		die "the build failed; all of it: build/logs/build-$1.log"
	fi
}
