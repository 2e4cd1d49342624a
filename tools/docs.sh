#!/bin/sh
# ./dev docs: checks the manual pages and renders them to build/docs.
set -eu

cd -- "$(dirname -- "$0")/.."
. tools/common.sh
. tools/packages.sh

claim docs
# shellcheck disable=SC2086 # a list
need "for the manual pages" $docs_needs

pages=$(find docs/man -name '*.[1-9]' 2>/dev/null | sort)
[ -n "$pages" ] || die "there is no manual page in docs/man"
mkdir -p build/docs

# shellcheck disable=SC2086 # names without blanks
mandoc -T lint -W warning $pages || die "the pages above need a correction"

for page in $pages; do
	mandoc -T html -O 'man=%N.%S.html' "$page" >"build/docs/${page##*/}.html"
done

{
	printf '<!DOCTYPE html>\n<title>bide: manual pages</title>\n<h1>bide: manual pages</h1>\n<ul>\n'
	for page in $pages; do
		printf '<li><a href="%s.html">%s</a></li>\n' "${page##*/}" "${page##*/}"
	done
	printf '</ul>\n'
} >build/docs/index.html
say "$(printf '%s\n' "$pages" | wc -l) pages, all correct: build/docs/index.html"
