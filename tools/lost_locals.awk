# Finds what compilers do not see in async functions: a local of the body (an array or a struct above
# all) that is declared before an await and used after it, or whose address is given to what is awaited.
# The body's stack is gone while it waits: such things belong into the frame.
#
#     awk -f tools/lost_locals.awk FILE...        prints FILE:LINE: ...; exits with 1 if it found any
#
# It reads lines, not C: one declaration a line, bodies between async(name) and async_end. A comment
# `/* not across an await */` on the declaration's line silences it.

function value_task_forget(above,    name) {
	for (name in depth_of)
		if (depth_of[name] > above) {
			delete depth_of[name]; delete line_of[name]; delete crossed[name]; delete aggregate[name]
		}
}

function report(line, text) {
	printf "%s:%d: %s\n", FILENAME, line, text
	found = 1
}

# The code of a line: no comments, strings or characters.
function code_of(line) {
	gsub(/"([^"\\]|\\.)*"/, "\"\"", line)
	gsub(/'([^'\\]|\\.)*'/, "0", line)
	while (match(line, /\/\*([^*]|\*[^\/])*\*\//))
		line = substr(line, 1, RSTART - 1) " " substr(line, RSTART + RLENGTH)
	sub(/\/\/.*/, "", line)
	sub(/\/\*.*/, "", line)
	return line
}

# name as a whole word that is no member.
function uses(code, name) {
	return match(code, "(^|[^A-Za-z0-9_.>])" name "([^A-Za-z0-9_]|$)") > 0
}

function assigns(code, name) {
	return code ~ ("(^|[^A-Za-z0-9_.>*])" name "[ \t]*=[^=]")
}

function declare(code, quiet,    rest, name, type) {
	if (code !~ /^[ \t]*((const|volatile|unsigned|signed|(struct|union|enum)[ \t]+[A-Za-z_0-9]+|long|short|int|char|double|float|bool|size_t|ssize_t|u?int[0-9]+_t|u?intptr_t|off_t|FILE|[A-Za-z_]+_t)[ \t*]+)+[A-Za-z_][A-Za-z0-9_]*[ \t]*([;=,[]|$)/)
		return
	if (code ~ /^[ \t]*(static|return|typedef|else|goto|case)/)
		return
	rest = code
	sub(/[ \t]*(=|;).*/, "", rest)
	type = rest
	aggregate_now = rest ~ /\[/ || type ~ /(struct|union)[ \t]+[A-Za-z_0-9]+[ \t]+[A-Za-z_]/
	sub(/\[.*/, "", rest)
	sub(/,.*/, "", rest)
	sub(/[ \t]+$/, "", rest)
	match(rest, /[A-Za-z_][A-Za-z0-9_]*$/)
	name = substr(rest, RSTART)
	if (name == "" || quiet)
		return
	depth_of[name] = depth
	line_of[name] = FNR
	aggregate[name] = aggregate_now
	delete crossed[name]
}

FNR == 1 { inside = 0; depth = 0 }

{
	quiet = $0 ~ /not across an await/
	code = code_of($0)
}

/^(bide_)?async\(/ { inside = 1; depth = 0; value_task_forget(-1) }

inside {
	gsub(/sizeof[ \t]*\(?[ \t]*[A-Za-z_0-9.>*-]+[ \t]*\)?/, "0", code)
	waits = code ~ /(^|[^A-Za-z0-9_])(bide_)?await(_or|_large)?[ \t]*\(/
	for (name in depth_of) {
		if (!uses(code, name))
			continue
		if (name in crossed) {
			if (assigns(code, name))
				delete crossed[name]
			else {
				report(FNR, name " (declared at line " line_of[name] ") is used after the await at line " crossed[name] ": keep it in the frame")
				delete crossed[name]
			}
		}
		if (waits && (code ~ ("&[ \t]*" name "([^A-Za-z0-9_]|$)") || (aggregate[name] && code ~ ("[(,][ \t]*" name "[ \t]*[,)]"))))
			report(FNR, "the address of " name " (declared at line " line_of[name] ") is given to what is awaited: keep it in the frame")
	}
	if (waits)
		for (name in depth_of)
			if (code !~ ("await(_or|_large)?[ \t]*\\([ \t]*" name "[ \t]*,")) # not what it assigns
				crossed[name] = FNR
	declare(code, quiet)
	opened = gsub(/\{/, "{", code)
	closed = gsub(/\}/, "}", code)
	depth += opened - closed
	value_task_forget(depth)
}

/(bide_)?async_end/ { inside = 0 }

END { exit found }
