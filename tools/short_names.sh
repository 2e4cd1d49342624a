#!/bin/sh
# tools/short_names.sh            prints include/bide/short.h, made from the other public headers
# tools/short_names.sh --write    writes it
# tools/short_names.sh --check COMPILER
#                                 tells whether the header in the tree is that, and whether its names are free:
#                                 no header of the system declares one, and each name that is left out for that
#                                 reason is declared by one
set -u

cd -- "$(dirname -- "$0")/.." || exit 1
header=include/bide/short.h

# Short names that the C library, POSIX or Linux has. --check compares it with the headers of the system.
system_names="accept fork select shutdown strerror"

names() {
	# shellcheck disable=SC2046 # file names without blanks
	awk -f tools/public_names.awk $(printf '%s\n' include/bide/*.h | grep -v '/short\.h$')
}

# The types that users see: those that the SYNOPSIS of a manual page shows.
shown_types() {
	awk 'FNR == 1 || /^\.Sh/ { inside = 0 }
		/^\.Sh SYNOPSIS/ { inside = 1 }
		inside { while (match($0, /bide_[a-z0-9_]+/)) {
			print substr($0, RSTART, RLENGTH)
			$0 = substr($0, RSTART + RLENGTH)
		} }' docs/man/man3/*.3 | sort -u
}

# What short.h has, a line each: HOW SHORT LONG [used], HOW being macro, declaration, typedef, system or inline; the
# last two are left out.
table() {
	shown_types >"$work/shown"
	names | awk -v system_names="$system_names" -v shown_file="$work/shown" '
		BEGIN {
			while ((getline line <shown_file) > 0)
				shown[line] = 1
			count = split(system_names, list, " ")
			for (i = 1; i <= count; i++)
				taken[list[i]] = 1
		}
		{
			name = $2
			if (!(name in order))
				by_number[++number] = name
			order[name] = number
			kinds[name] = kinds[name] " " $1
			if ($4 == "used")
				used[name] = " used"
		}
		END {
			for (i = 1; i <= number; i++) {
				name = by_number[i]
				short = name
				sub(/^(bide|BIDE)_/, "", short)
				kind = kinds[name]
				if (short in taken)
					how = "system"
				else if (kind ~ /type/ && kind !~ /macro|function|inline/) {
					if (!(name in shown))
						continue
					how = "typedef"
				} else if (kind ~ /function/ && (kind !~ /macro/ || short !~ /_/))
					how = "declaration"
				else if (kind ~ /inline/ && short !~ /_/)
					how = "inline"
				else
					how = "macro"
				print how " " short " " name used[name]
			}
		}' | LC_ALL=C sort -u
}

# left_out HOW: the short names that are left out for that reason, with commas.
left_out() {
	awk -v how="$1" '$1 == how { print $2 }' "$work/table" | paste -s -d ' ' | sed 's/ /, /g'
}

print_header() {
	table >"$work/table"
	inlined=$(left_out inline)
	cat <<-TEXT
		/*
		 * short.h - the short names: \`x\` is \`bide_x\`, for all functions, macros and types. Include it last.
		 *
		 * Made by tools/short_names.sh from the other headers: do not edit it.
		 *
		 * Left out, since the C library or POSIX has the name: $(left_out system).
		 * Left out, since an inlined function would have to be a macro, and the word is a plain one:
		 * ${inlined:-none}.
		 * Constants in upper case keep BIDE_: EBROKEN would look like one of the system's. The words of
		 * declarations have short forms (ASYNC_FRAME, VALUE_TASK_OF).
		 *
		 * A function of one plain word (run, delay) notes no place for messages of misuse, as its long name
		 * may: it is declared, and no macro, so that \`driver->run(x)\` stays a call of yours.
		 *
		 * To do without one: BIDE_NO_SHORT_<name>, defined before the include, leaves out a function or
		 * type (#define BIDE_NO_SHORT_run 1); #undef after the include removes a macro (#undef await).
		 */
		#ifndef BIDE_SHORT_H
		#define BIDE_SHORT_H

		#ifdef __cplusplus
		#error "bide/short.h is C only: in C++ use the bide_ names"
		#endif

		#include "bide.h"

		/* Macros: what is a macro in the other headers, or inlined. */
	TEXT
	awk '$1 == "macro" { print "#define " $2 " " $3 }' "$work/table"
	cat <<-TEXT

		/*
		 * Functions and types are declared, so the words stay free for members, tags and labels. gcc
		 * regards what follows as a header of the system: with -Wshadow it would warn of each local
		 * variable that is called \`group\` or \`status\`.
		 */
		#pragma GCC system_header
	TEXT
	cat <<-TEXT
		#define BIDE_SHORT_(name) extern __typeof__(bide_##name) name __asm__("bide_" #name)

	TEXT
	awk '$1 == "typedef" || $1 == "declaration" {
		print "#ifndef BIDE_NO_SHORT_" $2
		if ($1 == "typedef")
			print "typedef " $3 " " $2 ";"
		else
			print "BIDE_SHORT_(" $2 ")" ($4 == "used" ? " BIDE_USE_RESULT" : "") ";"
		print "#endif"
	}' "$work/table"
	printf '\n#undef BIDE_SHORT_\n'
	printf '\n#endif\n'
}

# What a program of POSIX and Linux may include.
system_headers() {
	for name in aio arpa/inet assert complex cpio ctype dirent dlfcn err errno fcntl fenv float fmtmsg fnmatch \
		ftw getopt glob grp iconv inttypes langinfo libgen limits locale math malloc monetary mqueue net/if netdb \
		netinet/in netinet/tcp nl_types poll pthread pwd regex sched search semaphore setjmp signal spawn stdarg \
		stdatomic stdbool stddef stdint stdio stdlib string strings sys/epoll sys/eventfd sys/inotify sys/ipc \
		sys/mman sys/msg sys/prctl sys/resource sys/select sys/sem sys/sendfile sys/shm sys/signalfd sys/socket \
		sys/stat sys/statvfs sys/syscall sys/time sys/timerfd sys/times sys/types sys/uio sys/un sys/utsname \
		sys/wait syslog tar termios threads time uchar ulimit unistd utime utmpx wchar wctype wordexp; do
		printf '#if __has_include(<%s.h>)\n#include <%s.h>\n#endif\n' "$name" "$name"
	done
}

# declares_none NAME...: no header of the system declares or defines one of them. COMPILER is in $compiler.
declares_none() {
	{
		system_headers
		for name; do
			printf '#ifdef %s\n#error %s is a macro\n#endif\nenum { %s };\n' "$name" "$name" "$name"
		done
	} >"$work/names.c"
	$compiler -D_GNU_SOURCE -w -fsyntax-only "$work/names.c" 2>"$work/errors"
}

check() {
	compiler=$1 status=0
	print_header >"$work/short.h"
	if ! diff "$header" "$work/short.h" | head -n 20 || ! cmp -s "$header" "$work/short.h"; then
		echo "$header (<) is not what tools/short_names.sh prints (>): tools/short_names.sh --write"
		status=1
	fi
	# shellcheck disable=SC2046 # names
	if ! declares_none $(awk '$1 != "system" { print $2 }' "$work/table"); then
		cat "$work/errors"
		echo "a short name is one of the system's: put it into system_names of tools/short_names.sh"
		status=1
	fi
	for name in $system_names; do
		if declares_none "$name"; then
			echo "$name is left out of $header, but is no name of the system"
			status=1
		fi
	done
	echo "$(grep -c -v -e ^system -e ^inline "$work/table") short names"
	return "$status"
}

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
case ${1:-} in
'') print_header ;;
--write) print_header >"$work/short.h" && cp "$work/short.h" "$header" ;;
--check) check "${2:-cc}" ;;
*)
	sed -n '2,7s/^# //p' "$0" >&2
	exit 2
	;;
esac
