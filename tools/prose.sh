#!/bin/sh
# prose.sh [FILE...]: finds words that documents and comments do not use (CONTRIBUTING.md, "English"), and lines of C over
# 100 columns, since clang-format leaves comments alone. Prints the lines, and ends with 1 if there are any. Without FILE
# it checks the documents, the public headers, and the comments of the sources, tests, benchmarks and examples.
#
# A thread is "the worker", "the caller", "the thief", and not a person. Functions return and take. In documents and
# public headers a reader or user may be a person: "readers who know C#" passes. Comments of sources have no persons.
set -u

cd -- "$(dirname -- "$0")/.." || exit 1
# Splits the files into public texts, and sources of which only the comments are checked.
all="$*"
[ $# -gt 0 ] || all="README.md $(find include docs src tests bench examples -type f |
	grep -E '^(include|docs)/.*\.([1-9]|h|md)$|^(src|tests|bench|examples)/.*\.(c|h|cpp)$' | LC_ALL=C sort)"
texts='' sources=''
for file in $all; do
	case $file in
	src/* | tests/* | bench/* | examples/* | *.c) sources="$sources $file" ;;
	*) texts="$texts $file" ;;
	esac
done

people='whoever|whom|somebody|someone|anybody|anyone|nobody|everybody|everyone|he|his|him'
verbs='is|are|was|were|has|have|had|does|do|did|waits?|awaits?|holds?|calls?|runs?|sleeps?|wakes?|takes?|gives?|gets?'
verbs="$verbs|needs?|wants?|owns?|makes?|completes?|cancels?|searches|falls|publishes|consumes?|drops?"

found=0
# refuse RULE PATTERN FILE...: the files do without what the extended regular expression finds.
refuse() {
	rule=$1
	pattern=$2
	shift 2
	if grep -nHE -e "$pattern" -- "$@"; then
		echo "    $rule"
		found=1
	fi
}
# comments FILE...: prints the comments, a line each as FILE:LINE:TEXT, without words between backquotes.
comments() {
	awk 'FNR == 1 { inside = 0 }
	{
		rest = $0
		text = ""
		while (rest != "") {
			at = index(rest, inside ? "*/" : "/*")
			if (inside)
				text = text " " (at ? substr(rest, 1, at - 1) : rest)
			rest = at ? substr(rest, at + 2) : ""
			if (at)
				inside = !inside
		}
		gsub(/`[^`]*`/, "", text)
		if (text != "")
			print FILENAME ":" FNR ":" text
	}' "$@"
}

person='a thread is no person: "the worker", "the caller", "the thief"'
named="$people|Whoever|Whom|Somebody|Someone|Anybody|Nobody|Everybody|He|His"
returns='functions return, in sentences: "Returns NULL if there is no memory."'
gives='NULL: no memory|(^|[ (])[Gg]ives? (true|false|NULL|0|E[A-Z]+|an? error)([ .,;:]|$)'
if [ -n "$texts" ]; then
	# shellcheck disable=SC2086 # names without blanks
	set -- $texts
	refuse "$person" "(^|[^A-Za-z_|'])([Ww]ho ($verbs)|$named)([^A-Za-z_'|]|\$)" "$@"
	refuse "$returns" "$gives|(^|[ (])[Gg]ives? back([ .,;:]|\$)" "$@"
fi
if [ -n "$sources" ]; then
	work=$(mktemp) || exit 1
	trap 'rm -f "$work"' EXIT
	# shellcheck disable=SC2086 # names without blanks
	comments $sources >"$work"
	# refuse_comment RULE PATTERN: as refuse, for comments.
	refuse_comment() {
		if grep -E -e "$2" "$work"; then
			echo "    $1"
			found=1
		fi
	}
	refuse_comment 'one word for each thing: "external", "the workers", the folder of the source' \
		'(^|[^a-z])([Ff]oreign|[Gg]uests?)([^a-z]|$)|src/core'
	refuse_comment "$person" "(^|[^A-Za-z_|'])([Ww]ho|$named)([^A-Za-z_'|]|\$)"
	refuse_comment "$returns" "$gives"
	refuse_comment 'a result has a sentence: "Returns true if this was the last one."' \
		'^[^:]*:[0-9]+:[ *]*([Tt]rue|[Ff]alse|NULL): |[.;] ([Tt]rue|[Ff]alse|NULL): '
	refuse_comment 'the user is no "one", and a number is no "so many"' "[Oo]ne's own|[^a-z]so (many|often) |as one likes"
fi
# What the compiler must say is on one line in tests/compile, and short.h is generated.
# shellcheck disable=SC2086 # names without blanks
wide=$(printf '%s\n' $all | grep '\.[ch]$' | grep -v -e '^tests/compile/' -e '/short\.h$')
# shellcheck disable=SC2086 # names without blanks
[ -z "$wide" ] || awk '{
		rest = $0
		while ((at = index(rest, "\t")) > 0)
			rest = substr(rest, 1, at - 1) substr("    ", 1 + (at - 1) % 4) substr(rest, at + 1)
		if (length(rest) > 100) {
			print FILENAME ":" FNR ":" $0
			wide = 1
		}
	}
	END { exit wide }' $wide || {
	echo "    a line has at most 100 columns, with tabs of 4"
	found=1
}
exit "$found"
