#!/bin/sh
# tools/conventions.sh [HEADER...]: the public headers keep to docs/conventions.md, as far as a script can see it from the
# prototypes. A test of the suite, and part of ./dev lint. Prints what does not, a line each; ends with 1 then.
#
# With headers named it looks at the prototypes of these alone, which is how it is tested.
#
# The exceptions stand here, at the rule each is one of, and by name in docs/conventions.md. One that no prototype
# needs any more is told.
set -u

cd -- "$(dirname -- "$0")/.." || exit 1
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

# Named for the operation or for the process, and not for the type of the first parameter or of the result.
operations="configure select select_delay select_mutex select_semaphore select_event select_cancel_token select_task cpu_count worker_count version drain dump shutdown strerror now_ns
	delay delay_ms delay_until run run_blocking run_on_new_thread run_ready retry async_yield
	when_all when_all_tasks when_any when_any_tasks race parallel_for for_each for_each_of
	simulation_hash simulation_random io_engine_reason serve resolve
	simulated_host_add simulated_host_address simulated_host_crash simulated_host_restart simulated_host_reset
	simulated_link_set simulated_link_cut simulated_link_heal
	tcp_listen tcp_listen_address unix_listen accept tcp_connect tcp_connect_address unix_connect
	process_spawn process_run file_read_all file_replace process_exit_code process_exit_signal
	tls_start_client tls_start_server"
# The current context.
current="context_current_error context_get context_deadline_ns"
# What another type's name stands for: noun=type.
subtypes="loop=executor strand=executor tls=stream"
# Placed objects whose end has another name: a group ends by its wait; a source of one's own has nothing to end.
other_ends="group user_source limiter"
# Ended, but not placed: a start makes it.
started="generator"
# A wait with a limit that is an error, ETIMEDOUT. Where it is none, the function is called try_..._for.
limited="task_wait_for task_await_for value_task_wait_for value_task_await_for"
# A result that counts or is a number, and is no error.
numbers="dump=size_t trace_format=size_t group_pending=uint64_t simulation_hash=uint64_t
	simulation_random=uint64_t cpu_count=unsigned worker_count=unsigned version=unsigned
	address_port=unsigned stream_written=size_t
	stream_available=size_t stream_taken=size_t channel_count=size_t watch_get=uint64_t semaphore_count=int64_t"

# An error number that may be dropped: it tells of misuse alone, which the hook has reported; or the program goes on the
# same way whatever it is; or it is an answer.
droppable="mutex_init event_init event_init_auto semaphore_init limiter_init address_set_port stream_set_idle stream_set_limits
	periodic_timer_set_period stats_get io_stats_get simulated_host_add simulated_host_crash simulated_host_restart
	simulated_host_reset simulated_link_set simulated_link_cut simulated_link_heal
	task_wait task_wait_for run_ready loop_run drain shutdown process_kill udp_leave file_watch_remove
	context_error context_current_error task_error value_task_error address_family process_exit_code process_exit_signal
	process_id"

headers=${*:-$(printf '%s\n' include/bide/*.h | grep -v '/short\.h$')}
# shellcheck disable=SC2086 # file names without blanks
awk -v prototypes=1 -f tools/public_names.awk $headers | LC_ALL=C sort -u >"$work/prototypes"
# shellcheck disable=SC2086
awk -f tools/public_names.awk $headers | LC_ALL=C sort -u >"$work/names"

awk -v operations="$operations" -v current="$current" -v subtypes="$subtypes" -v other_ends="$other_ends" \
	-v started="$started" -v limited="$limited" \
	-v numbers="$numbers" -v complete="$((!$#))" '
	function complain(text)
	{
		print name ": " text
		failed = 1
	}
	function listed(list, word,    i, count, words)
	{
		count = split(list, words)
		for (i = 1; i <= count; i++)
			if (words[i] == word) {
				needed[word] = 1
				return 1
			}
		return 0
	}
	# "const bide_task *task" -> type_ bide_task, name_ task, stars 1
	function take_apart(text)
	{
		gsub(/^ +| +$/, "", text)
		constant = text ~ /^const /
		stars = gsub(/\*/, " ", text)
		gsub(/(^| )(const|struct)( |$)/, " ", text)
		gsub(/^ +| +$/, "", text)
		count = split(text, words, / +/)
		name_ = count > 1 ? words[count] : ""
		type_ = words[1]
	}
	function begins_with(noun)
	{
		return noun != "" && (short == noun || index(short, noun "_") == 1)
	}
	function time_name(parameter)
	{
		return parameter ~ /^(timeout|delay|deadline|period)_ns$/
	}
	function check_noun(result, parameters,    list, pair, of, i, n)
	{
		if (listed(operations, short) || listed(current, short))
			return
		split(parameters, list, ",")
		take_apart(list[1])
		sub(/^bide_/, "", type_)
		if (begins_with(type_) || begins_with(name_))
			return
		of = type_
		take_apart(result " x")
		sub(/^bide_/, "", type_)
		if (begins_with(type_))
			return
		sub(/_task$/, "", type_) # the typed value task of what it makes
		if (begins_with(type_))
			return
		n = split(subtypes, list)
		for (i = 1; i <= n; i++) {
			split(list[i], pair, "=")
			if ((type_ == pair[2] || of == pair[2]) && begins_with(pair[1])) {
				needed[list[i]] = 1
				return
			}
		}
		complain("begins neither with the type or name of its first parameter nor with that of its result; " \
			"an operation? list it")
	}
	function check_result(result)
	{
		if (short ~ /(^|_)try_.*_for$/ && result != "bide_value_task")
			complain("a try_..._for function returns a value task, whose result is 1 or 0")
		else if (short ~ /(^|_)try_/ && short !~ /_for$/ && result != "bool")
			complain("a try_ function returns bool")
		if (short ~ /(^|_)(is|can)_/ && result != "bool")
			complain("a question is answered by bool")
		if (short ~ /_get$/ && result == "void")
			complain("a _get that stores returns an error number")
		if (short ~ /_ns$/ && result != "int64_t")
			complain("a time is int64_t")
		if (short !~ /_ns$/ && result ~ /^(u?int[0-9]+_t|long|unsigned|size_t|ssize_t)$/ &&
				!listed(numbers, short "=" result))
			complain("returns " result ": a result of another kind than 0 or an error is a parameter; " \
				"a count? list it")
	}
	function check_limit(parameters)
	{
		if (short ~ /_for$/ && parameters ~ /timeout_ns/ && short !~ /(^|_)try_/ && !listed(limited, short))
			complain("fails with ETIMEDOUT at its limit? list it; else it is a try_..._for function")
	}
	function check_parameters(parameters,    list, i, n)
	{
		check_limit(parameters)
		n = split(parameters, list, ",")
		for (i = 1; i <= n; i++) {
			take_apart(list[i])
			if (name_ ~ /_(ns|us|ms|s|seconds)$|^(timeout|delay|deadline|period|limit($|_)|interval)/) {
				if (short ~ /_ms$/ ? name_ !~ /^(timeout|delay)_ms$/ : !time_name(name_))
					if (!(stars && name_ ~ /_ns$/))
						complain("a time is called timeout_ns, delay_ns, deadline_ns or period_ns, not " name_)
				if (type_ != "int64_t")
					complain("a time is int64_t, not " type_)
			}
			if (type_ ~ /_options$/ && !(constant && stars == 1))
				complain("options come by a pointer to const")
		}
	}
	{
		name = $0
		sub(/\(.*/, "", name)
		parameters = substr($0, length(name) + 2)
		sub(/\)$/, "", parameters)
	}
	$1 == "prototype" {
		sub(/^prototype /, "", name)
		result = name
		sub(/.*[ *]/, "", name)
		result = substr(result, 1, length(result) - length(name))
		pointer = result ~ /\*/
		sub(/ *$/, "", result)
		short = substr(name, 6)
		exists[short] = 1
		check_noun(result, parameters)
		if (!pointer)
			check_result(result)
		check_parameters(parameters)
	}
	$1 == "macro" {
		sub(/^macro /, "", name)
		short = substr(name, 6)
		exists[short] = 1
		check_limit(parameters)
		n = split(parameters, list, ",")
		for (i = 1; i <= n; i++) {
			gsub(/ /, "", list[i])
			if (list[i] ~ /_(ns|us|ms|s|seconds)$|^(timeout|delay|deadline|period|limit|interval|ms|ns)$/)
				if (short ~ /_ms$/ ? list[i] !~ /^(timeout|delay)_ms$/ : !time_name(list[i]))
					complain("a time is called timeout_ns, delay_ns, deadline_ns or period_ns, not " list[i])
		}
		if (short ~ /_ms$/ && short !~ /^(delay|with_timeout)_ms$/)
			complain("_ms forms are for delay and timeout only")
	}
	function pair_of(noun, here, there)
	{
		name = "bide_" noun here
		if ((noun here) in exists && !((noun there) in exists))
			complain("has no bide_" noun there)
	}
	END {
		for (short in exists) {
			if (short ~ /_ref$/)
				pair_of(substr(short, 1, length(short) - 4), "_ref", "_unref")
			if (short ~ /_unref$/)
				pair_of(substr(short, 1, length(short) - 6), "_unref", "_ref")
			if (short ~ /_destroy$/)
				pair_of(substr(short, 1, length(short) - 8), "_destroy", "_create")
			if (short ~ /_end$/ && short != "async_end" && short != "stream_end" &&
					!listed(started, substr(short, 1, length(short) - 4)))
				pair_of(substr(short, 1, length(short) - 4), "_end", "_init")
			if (short ~ /_init$/) {
				noun = substr(short, 1, length(short) - 5)
				if (!listed(other_ends, noun))
					pair_of(noun, "_init", "_end")
			}
			if (short ~ /_create$/) {
				noun = substr(short, 1, length(short) - 7)
				n = split(subtypes, list)
				for (i = 1; i <= n; i++) {
					split(list[i], pair, "=")
					if (pair[1] == noun)
						noun = pair[2]
				}
				if (!((noun "_unref") in exists) && !((noun "_destroy") in exists) &&
						!((noun "_close") in exists)) {
					name = "bide_" short
					complain("has neither bide_" noun "_unref nor bide_" noun "_destroy nor bide_" noun "_close")
				}
			}
		}
		n = split(operations " " current " " other_ends " " started " " limited " " subtypes " " numbers, list)
		for (i = 1; complete && i <= n; i++)
			if (!(list[i] in needed)) {
				print "tools/conventions.sh: the exception " list[i] " is not needed"
				failed = 1
			}
		exit failed
	}' "$work/prototypes" >"$work/complaints"
status=$?
cat "$work/complaints"

# Errors that must not be dropped.
awk -v droppable="$droppable" -v complete="$((!$#))" '
	BEGIN {
		count = split(droppable, names)
		for (i = 1; i <= count; i++)
			may_drop["bide_" names[i]] = 1
	}
	FILENAME == ARGV[1] {
		if ($4 == "used")
			used[$2] = 1
		next
	}
	/^prototype int bide_/ {
		name = $3
		sub(/\(.*/, "", name)
		if (name in may_drop && !(name in used))
			needed[name] = 1
		else if (!(name in used)) {
			print name ": an error number needs BIDE_USE_RESULT; one that may be dropped? list it"
			failed = 1
		}
	}
	END {
		for (name in may_drop)
			if (complete && !(name in needed)) {
				print "tools/conventions.sh: the exception " name " may be dropped is not needed"
				failed = 1
			}
		exit failed
	}' "$work/names" "$work/prototypes" || status=1

# A documented result below zero, in the comments of the headers. A file descriptor may be none.
# shellcheck disable=SC2086
if grep -n -e ' -1[.: ]' -e ' -1$' -e '-1\.\.' -e 'error number negated' $headers | grep -v 'fd is -1'; then
	echo "a result below zero: results are 0 or a positive error number"
	status=1
fi

[ $# -eq 0 ] || exit "$status"

# Every public name in short.h (tools/short_names.sh looks closer), in a manual page, and among the symbols if the
# library exports it.
awk '$1 != "type" && $1 != "word" { print $2 }' "$work/names" | LC_ALL=C sort -u >"$work/public"
sed -n '/^#/q; s/^ \* Left out, since[^:]*://p' include/bide/short.h | tr -d ' .' | tr ',' '\n' | sed 's/^/bide_/' >"$work/left_out"
grep -oh 'bide_[a-z0-9_]*\|BIDE_SHORT_([a-z0-9_]*' include/bide/short.h | sed 's/BIDE_SHORT_(/bide_/' |
	cat - "$work/left_out" | LC_ALL=C sort -u >"$work/short"
grep -oh 'bide_[a-z0-9_]*' docs/man/man[37]/*.[37] | LC_ALL=C sort -u >"$work/pages"
for list in short pages; do
	missing=$(LC_ALL=C comm -23 "$work/public" "$work/$list" | paste -s -d ' ')
	if [ -n "$missing" ]; then
		echo "not in $(echo "$list" | sed 's/^short$/short.h/; s/^pages$/a manual page/'): $missing"
		status=1
	fi
done
awk '$1 == "function" { print $2 }' "$work/names" | LC_ALL=C sort -u >"$work/exported"
sed -n 's/^\(bide_[a-z0-9_]*\) .*/\1/p' docs/symbols-in-versions.txt | LC_ALL=C sort -u >"$work/listed"
missing=$(LC_ALL=C comm -23 "$work/exported" "$work/listed" | paste -s -d ' ')
if [ -n "$missing" ]; then
	echo "not in docs/symbols-in-versions.txt: $missing"
	status=1
fi

# bide.h lists all headers.
for header in $headers; do
	name=${header##*/}
	if [ "$name" != bide.h ] && ! sed '/\*\/$/q' include/bide/bide.h | grep -qwF "$name"; then
		echo "include/bide/bide.h does not name $name in its list"
		status=1
	fi
done

# The exceptions stand in the document too.
for name in $operations $current $limited $droppable; do
	if ! grep -q "bide_$name\`" docs/conventions.md; then
		echo "docs/conventions.md does not name the exception bide_$name"
		status=1
	fi
done
echo "$(wc -l <"$work/public") public names"
exit "$status"
