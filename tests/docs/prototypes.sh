#!/bin/sh
# prototypes.sh LIBRARY COMPILER FLAG...: each prototype in the SYNOPSIS of a manual page must be that of the header, each
# macro there must exist, and each public function must have a page that names it.
#
# A function is .Ft type, .Fo name, .Fa arguments, .Fc. A macro is .Fn: after a .Ft its arguments have types, which are
# checked by using it (TYPE stands for any number or pointer); without .Ft they are names. Between .Bd and .Ed are types:
# those of functions as they are, structs and unions with their public members, indented by tabs.
# shellcheck disable=SC2086 # lists of names
set -u

library=$1
shift
cd -- "$(dirname -- "$0")/../.." || exit 1
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

awk '
	function flush() { type = name = arguments = "" }
	function is_macro(name)
	{
		printf "#ifndef %s\n#line %d \"%s\"\n#error %s is no macro\n#endif\n", name, FNR, FILENAME, name
	}
	FNR == 1 { section = "" }
	/^\.Sh / { section = $0; sub(/^\.Sh /, "", section); flush() }
	section != "SYNOPSIS" { next }
	/^\.Ed/ { literal = 0 }
	/^\.Bd/ { literal = 1; next }
	literal && /^typedef (struct|union) / {
		kind = $2
		type_name = $3
		print kind " doc_" type_name " {"
		next
	}
	literal && type_name && /^}/ {
		printf "};\n#line %d \"%s\"\n", FNR, FILENAME
		printf "_Static_assert(sizeof(%s doc_%s) == sizeof(%s), \"members\");\n", kind, type_name, type_name
		printf "%s", checks
		type_name = checks = ""
		next
	}
	literal && type_name {
		member = $0
		if (!sub(/.*\(\*/, "", member))
			sub(/.*[ *]/, "", member)
		sub(/[^a-z0-9_].*/, "", member)
		checks = checks sprintf("#line %d \"%s\"\n", FNR, FILENAME)
		checks = checks sprintf("_Static_assert(offsetof(%s, %s) == offsetof(%s doc_%s, %s) &&", \
			type_name, member, kind, type_name, member)
		checks = checks sprintf("__builtin_types_compatible_p(__typeof__(((%s *)0)->%s),", \
			type_name, member)
		checks = checks sprintf("__typeof__(((%s doc_%s *)0)->%s)), \"%s\");\n", \
			kind, type_name, member, member)
	}
	literal && /^typedef .*\(/ { printf "#line %d \"%s\"\n", FNR, FILENAME }
	literal { print; next }
	/^\.Ft / { flush(); type = $0; sub(/^\.Ft /, "", type); gsub(/"/, "", type) }
	/^\.Fo / { name = $2 }
	/^\.Fa / {
		a = $0
		sub(/^\.Fa /, "", a)
		gsub(/"/, "", a)
		arguments = arguments (arguments ? ", " : "") a
	}
	/^\.Fc/ {
		printf "#ifdef %s\n#error %s is a macro: write .Fn\n#else\n", name, name
		printf "extern __typeof__(&%s) is_declared_%s;\n", name, name
		printf "#line %d \"%s\"\n%s %s(%s);\n#endif\n", FNR, FILENAME, type, name, arguments
		flush()
	}
	/^\.Fn / {
		name = $2
		is_macro(name)
		# Except for the statements of async functions.
		if (type && name !~ /^bide_async_/) {
			count = split($0, words, "\"")
			parameters = ""
			for (i = 2; i < count; i += 2) {
				parameters = parameters (i > 2 ? ", " : "") words[i]
				sub(/.*[ *]/, "", words[i])
				arguments = arguments (i > 2 ? ", " : "") words[i]
			}
			gsub(/TYPE/, "long", parameters)
			printf "#line %d \"%s\"\n", FNR, FILENAME
			printf "BIDE_UNUSED static %s use_%d_of_%s(%s) {", type, ++uses, name, parameters
			printf "_Static_assert(__builtin_types_compatible_p(__typeof__(%s(%s)), %s), \"result\");", \
				name, arguments, type
			printf "%s%s(%s); }\n", type == "void" ? "" : "return ", name, arguments
		}
		flush()
	}
	# Skips the macros of noted.h, which have the names of functions.
	BEGIN { print "#define BIDE_BUILDING 1\n#include <stddef.h>\n#include <bide/short.h>" }
' docs/man/man[37]/*.[37] >"$work/prototypes.c"
status=0
if ! "$@" -Iinclude -Wno-redundant-decls -Werror -fsyntax-only "$work/prototypes.c"; then
	echo "a SYNOPSIS differs from the headers"
	status=1
fi
declared=$(grep -c '^extern __typeof__' "$work/prototypes.c")

sed -n 's/^\.Nm \(bide_[a-z0-9_]*\).*/\1/p' docs/man/man3/*.3 | sort -u >"$work/pages"
{
	nm -D --defined-only "$library" | sed 's/@.*//' | awk '$2 ~ /[TDBRV]/ { print $3 }'
	# Inlined functions.
	sed -n 's/^BIDE_INLINE.* \**\(bide_[a-z0-9_]*\)(.*/\1/p' include/bide/*.h
	# Macros that look like functions or are statements.
	sed -n 's/^#define \(bide_[a-z0-9_]*\).*/\1/p' include/bide/*.h |
		grep -v '^bide_async\|^bide_await'
} | grep -v '_$\|_v[0-9]*$\|_at_' | sort -u >"$work/public"
missing=$(comm -23 "$work/public" "$work/pages")
if [ -n "$missing" ]; then
	echo "no manual page names:" $missing
	status=1
fi
echo "$declared prototypes, $(wc -l <"$work/public") public names"
[ "$status" -eq 0 ] && [ "$declared" -gt 50 ]
