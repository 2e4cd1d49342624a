#!/bin/sh
# prose.sh [FILE...]: words that the comments of the public headers and the documents do without (CONTRIBUTING.md,
# "Plain English"). Prints the lines, and ends with 1 if there are any. Without FILE it looks at all of them.
#
# A thread is "the worker", "the caller", "the thief", and no person. Functions return and take. A reader or user is
# a person: "readers who know C#" passes.
set -u

cd -- "$(dirname -- "$0")/.." || exit 1
if [ $# -eq 0 ]; then
	# shellcheck disable=SC2046 # names without blanks
	set -- README.md $(find include docs -name '*.[1-9]' -o -name '*.h' -o -name '*.md' | LC_ALL=C sort)
fi

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
refuse 'a thread is no person: "the worker", "the caller", "the thief"' \
	"(^|[^A-Za-z_|'])([Ww]ho ($verbs)|$people|Whoever|Whom|Somebody|Someone|Anybody|Nobody|Everybody|He|His)([^A-Za-z_'|]|\$)" "$@"
refuse 'functions return, in sentences: "Returns NULL if there is no memory."' \
	'NULL: no memory|(^|[ (])[Gg]ives? (back|true|false|NULL|0|E[A-Z]+|an? error)([ .,;:]|$)' "$@"
exit "$found"
