# Prints what the public headers declare, a line each: KIND NAME HEADER, or KIND NAME HEADER ATTRIBUTE.
#
#     awk -f tools/public_names.awk include/bide/*.h
#
# KIND is function, inline, macro (lower case, like a function or a statement), type or word (the upper-case macros
# that stand in declarations). Names that end in _ are the library's own, and are left out. ATTRIBUTE is "used" for a
# function whose result must be used. A name may be both a function and a macro.
#
# With -v prototypes=1 it prints prototypes instead, on one line each: "prototype RESULT NAME(PARAMETERS)", and macros
# with their parameters: "macro NAME(PARAMETERS)".

function public(name)
{
	return name ~ /^bide_[a-z0-9_]*[a-z0-9]$/ && name !~ /_v[0-9]+$/
}

function put(kind, name, attribute,    line)
{
	if (prototypes)
		return
	line = kind " " name " " header (attribute ? " " attribute : "")
	if (!(line in seen))
		print line
	seen[line] = 1
}

# One declaration, without braces and what they hold.
function declaration(text,    name, kind)
{
	gsub(/[ \t]+/, " ", text)
	sub(/^ /, "", text)
	if (text ~ /^typedef /) {
		if (match(text, /[ *]bide_[a-z0-9_]+\(/))
			name = substr(text, RSTART + 1, RLENGTH - 2)
		else if (match(text, /\(\*bide_[a-z0-9_]+\)/))
			name = substr(text, RSTART + 2, RLENGTH - 3)
		else {
			name = text
			sub(/ *$/, "", name)
			sub(/.*[ *]/, "", name)
		}
		if (public(name))
			put("type", name)
		return
	}
	if (text ~ /^BIDE_API /)
		kind = "function"
	else if (text ~ /^BIDE_INLINE /)
		kind = "inline"
	else
		return
	if (!match(text, /[ *]bide_[a-z0-9_]+\(/))
		return
	name = substr(text, RSTART + 1, RLENGTH - 2)
	if (public(name) && prototypes) {
		gsub(/BIDE_(API|INLINE|USE_RESULT|COLD|CONSTEXPR_|PRINTF\([^)]*\)) */, "", text)
		sub(/ *$/, "", text)
		print "prototype " text
	} else if (public(name))
		put(kind, name, text ~ /BIDE_USE_RESULT/ ? "used" : "")
}

function macro(line,    name)
{
	name = line
	sub(/^#[ \t]*define[ \t]+/, "", name)
	sub(/[^A-Za-z0-9_].*/, "", name)
	if (prototypes && public(name) && match(line, /\([a-z_0-9, .]*\)/))
		print "macro " name substr(line, RSTART, RLENGTH)
	if (public(name))
		put("macro", name)
	else if (name ~ /^BIDE_(ASYNC_FRAME|ASYNC_FRAME_[A-Z]+|ASYNC_FORK|ASYNC_GENERATOR|VALUE_TASK_OF)$/)
		put("word", name)
}

FNR == 1 {
	header = FILENAME
	sub(/.*\//, "", header)
	comment = depth = directive = 0
	text = ""
}

{
	line = $0
	# Comments, also those of several lines.
	if (comment) {
		if (!match(line, /\*\//))
			next
		line = substr(line, RSTART + 2)
		comment = 0
	}
	while (match(line, /\/\*([^*]|\*+[^*\/])*\*+\//))
		line = substr(line, 1, RSTART - 1) " " substr(line, RSTART + RLENGTH)
	if (match(line, /\/\*/)) {
		line = substr(line, 1, RSTART - 1)
		comment = 1
	}
	sub(/\/\/.*/, "", line)
	# Directives and their further lines.
	if (directive || line ~ /^[ \t]*#/) {
		if (!directive && line ~ /^[ \t]*#[ \t]*define/)
			macro(line)
		directive = line ~ /\\$/
		next
	}
	if (line ~ /^BIDE_(BEGIN|END)_DECLS/)
		next
	count = split(line, characters, "")
	for (i = 1; i <= count; i++) {
		c = characters[i]
		if (c == "{") {
			if (depth++ == 0 && text !~ /^[ \t]*typedef/) {
				declaration(text) # a function with its body, or a struct
				text = ""
			}
		} else if (c == "}") {
			if (--depth == 0 && text !~ /^[ \t]*typedef/)
				text = ""
		} else if (depth == 0) {
			if (c == ";") {
				declaration(text)
				text = ""
			} else
				text = text c
		}
	}
	if (depth == 0)
		text = text " "
}
