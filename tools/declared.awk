# Prints the names of the functions and objects that a header declares, a line each. It leaves out types, static functions
# and macros.
#
#     awk -f tools/declared.awk src/base/port.h

# Prints the names in one declaration. A name stands before a parenthesis, or behind a star in one, or before a bracket, a
# comma or the end. Macros and attributes stand before parentheses as well.
function declaration(    i, depth, found, words)
{
	for (i = 1; i <= n; i++)
		if (token[i] ~ /^(typedef|static|_Static_assert|BIDE_INLINE)$/)
			return
	if (n == 2 && token[1] ~ /^(struct|union|enum)$/)
		return
	for (i = 1; i <= n; i++) {
		if (depth == 0 && token[i] == ",")
			found = 0
		else if (depth == 0 && !found && token[i] == "(" && token[i + 1] == "*") {
			depth++
			for (i += 2; token[i] ~ /^(const|volatile|_Atomic)$/;)
				i++
			print token[i]
			found = 1
		} else if (token[i] == "(" || token[i] == "[")
			depth++
		else if (token[i] == ")" || token[i] == "]")
			depth--
		else if (depth == 0 && !found && token[i] ~ /^[A-Za-z_]/ &&
				token[i] !~ /^(__[a-z_]+|_Atomic|_Alignas|[A-Z][A-Z0-9_]*)$/) {
			words++
			if (words > 1 && (token[i + 1] ~ /^(\[|,|=|)$/ || (token[i + 1] == "(" && token[i + 2] != "*"))) {
				print token[i]
				found = 1
			}
		}
	}
}

# Collects the tokens, without comments and without the lines of the preprocessor.
{
	line = $0
	if (!inside && (continued || line ~ /^[ \t]*#/)) {
		continued = line ~ /\\$/
		# A comment may begin there and end in a later line.
		inside = line ~ /\/\*/ && line !~ /\/\*.*\*\//
		next
	}
	while (line != "") {
		if (inside) {
			at = index(line, "*/")
			if (!at)
				break
			line = substr(line, at + 2)
			inside = 0
		} else if (match(line, /^([ \t]+|\/\/.*)/)) {
			line = substr(line, RLENGTH + 1)
		} else if (substr(line, 1, 2) == "/*") {
			inside = 1
			line = substr(line, 3)
		} else if (match(line, /^([A-Za-z_0-9]+|"[^"]*"|.)/)) {
			text[++count] = substr(line, 1, RLENGTH)
			line = substr(line, RLENGTH + 1)
		}
	}
}

END {
	n = braces = 0
	for (at = 1; at <= count; at++) {
		if (text[at] == "{") {
			if (!braces++)
				body = token[n] == ")" || token[n] ~ /^[A-Z_]+$/
		} else if (text[at] == "}") {
			if (!--braces && body)
				n = 0
		} else if (braces == 0 && text[at] == ";") {
			token[n + 1] = token[n + 2] = ""
			declaration()
			n = 0
		} else if (braces == 0)
			token[++n] = text[at]
	}
}
