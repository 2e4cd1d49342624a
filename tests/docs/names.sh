#!/bin/sh
# names.sh: each public function, type and constant must be in the NAME section of a manual page, so that `man NAME`
# finds it: the installation makes a link for each name there.
#
# A public name is an identifier bide_x or BIDE_X in a header that does not end in an underscore, except for the names
# listed here, which users never write. Each page must be in the list of bide(7), and each header in that of bide.h.
set -u

cd -- "$(dirname -- "$0")/../.." || exit 1
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

# Parts of inlined code (abi.h, frame.h, source.h, fork.h, noted.h), and the switches of short.h, one per name.
machinery='
BIDE_ABI BIDE_ADD BIDE_API BIDE_BEGIN_DECLS BIDE_BUILDING BIDE_CAS BIDE_COLD BIDE_END_DECLS BIDE_EXPLORE BIDE_FENCE
BIDE_FREESTANDING BIDE_INLINE BIDE_INTERNAL BIDE_LIGHT_FENCE BIDE_LIKELY BIDE_LOAD BIDE_NODISCARD_TYPE BIDE_OR
BIDE_PRINTF BIDE_RELAX BIDE_STATIC_ASSERT BIDE_STORE BIDE_SUB BIDE_SWAP BIDE_UNLIKELY BIDE_UNUSED BIDE_USE_RESULT
bide_async_fork bide_call bide_cancel_core bide_cancel_node bide_current_thread bide_deque bide_forking_frame bide_frame
bide_function_info bide_observer bide_operation bide_owned_frame bide_place bide_pool bide_post bide_registered
bide_body_result bide_thread_head
bide_thread_attach
bide_stream_line_slow
bide_stream_peek_slow
bide_stream_consume_slow
bide_stream_put_slow
bide_stream_null'

# The headers without comments.
awk '
	FNR == 1 { inside = 0 }
	{
		line = $0
		code = ""
		while (line != "") {
			at = index(line, inside ? "*/" : "/*")
			if (!inside)
				code = code substr(line, 1, at ? at - 1 : length(line))
			line = at ? substr(line, at + 2) : ""
			if (at)
				inside = !inside
		}
		print code
	}' include/bide/*.h | grep -v '^#include' | grep -oE '\b(bide|BIDE)_[A-Za-z0-9_]*[A-Za-z0-9]\b' |
	grep -vE '_H$|^BIDE_NO_SHORT_' | LC_ALL=C sort -u >"$work/used"
echo "$machinery" | tr ' ' '\n' | grep . | LC_ALL=C sort >"$work/machinery"
LC_ALL=C comm -23 "$work/used" "$work/machinery" >"$work/public"
awk '/^\.Sh /{ name = $2 == "NAME" } name && /^\.Nm /{ print $2 }' docs/man/man*/* |
	LC_ALL=C sort -u >"$work/pages"

# The reverse check, without the names of the pages themselves and bide-check.
stale=$(LC_ALL=C comm -13 "$work/used" "$work/pages" | grep -E '^(bide|BIDE)_' | while read -r name; do
	[ -f "docs/man/man3/$name.3" ] || [ -f "docs/man/man7/$name.7" ] || echo "$name"
done)
[ -z "$stale" ] || {
	echo "pages name what no header has:"
	echo "$stale"
	exit 1
}
missing=$(LC_ALL=C comm -23 "$work/public" "$work/pages")
[ -z "$missing" ] || {
	echo "in the NAME section of no manual page (.Nm):"
	echo "$missing"
	exit 1
}
# bide(7) lists the pages, and bide.h the headers.
for page in docs/man/man3/*.3; do
	name=$(basename "$page" .3)
	grep -qF ".Xr $name 3" docs/man/man7/bide.7 || missing="$missing
bide(7) does not list $name(3)"
done
for header in include/bide/*.h; do
	name=$(basename "$header")
	grep -qE "^ \\* .*\b$name\b" include/bide/bide.h || missing="$missing
the comment of bide.h does not list $name"
done
[ -z "$missing" ] || {
	echo "$missing" | grep .
	exit 1
}
echo "$(wc -l <"$work/public") public names have a page"
