# Extracts the C samples from the documents: awk -v out=FOLDER -f extract.awk FILE...
#
# Markdown: ```c is a complete program, and the next block must be ```text, its output. ```c exit N is a program that
# ends with that status, ```c file is a fragment of file scope, ```c body is statements of an async function. Manual
# pages have a line .\" sample: program|output|file|body|none before each ".Bd -literal". Every block must say what it
# is.
#
# A fragment of file scope that begins with an #include is compiled as it is printed: its own includes have to do. Other
# fragments have prelude.h before them.
#
# Writes NAME.c and NAME.text for programs, NAME.fragment.c for fragments; NAME is the document's
# name and the number of the sample. Line numbers of errors are those of the document.

function fail(text)
{
	printf "%s:%d: %s\n", FILENAME, FNR, text >"/dev/stderr"
	failed = 1
	exit 1
}

function finish()
{
	if (kind == "body") {
		if (!has_finally)
			print "async_finally:" >file
		print "\tasync_end;\n}\nBIDE_UNUSED static value_task use_sample(void)\n{" >file
		print "\treturn async_start(sample);\n}" >file
	}
	if (kind == "program" && !has_main)
		fail("a sample without main: say ```c file or ```c body")
	if (kind == "program")
		printf "extern const int sample_status;\nconst int sample_status = %d;\n", exit_status >file
	if (file)
		close(file)
	kind = file = ""
}

function begin(what)
{
	if (waiting && what != "output")
		fail("the block after a program must be what it prints")
	kind = what
	exit_status = 0
	has_main = has_finally = 0
	if (what == "output") {
		if (!waiting)
			fail("output without a program before it")
		file = waiting
		waiting = ""
		printf "" >file
		return
	}
	if (what == "none")
		return
	name = out "/" base "_" ++number
	if (what == "program") {
		file = name ".c"
		waiting = name ".text"
	} else
		file = name ".fragment.c"
	count++
	line_count = 0
}

# What stands before the first line of a sample.
function head(line)
{
	if (kind == "body" || (kind == "file" && line !~ /^#include/))
		print "#include \"prelude.h\"" >file
	if (kind == "body")
		print "struct sample {\n\tSAMPLE_FRAME;\n};\nasync(sample)\n{\n\tasync_begin;" >file
	printf "#line %d \"%s\"\n", FNR, FILENAME >file
}

function put(line)
{
	if (file && kind != "output" && ++line_count == 1)
		head(line)
	if (line ~ /^int main\(/)
		has_main = 1
	if (line ~ /async_finally:/)
		has_finally = 1
	if (file)
		print line >file
}

FNR == 1 {
	if (waiting)
		fail("the last program of the document before lacks its output")
	base = FILENAME
	sub(/.*\//, "", base)
	gsub(/[^A-Za-z0-9]/, "_", base)
	number = 0
	kind = marked = ""
	manual = FILENAME ~ /\.[1-9]$/
}

manual && /^\.\\" sample: / {
	marked = $3
	if (marked !~ /^(program|output|file|body|none)$/)
		fail("a sample is a program, output, file, body or none")
	next
}
manual && /^\.Bd -literal/ {
	if (marked == "")
		fail("a display without a line .\\\" sample: ... before it")
	begin(marked)
	marked = ""
	next
}
manual && kind && /^\.Ed/ { finish(); next }
manual && kind {
	line = $0
	sub(/^\\&/, "", line)
	gsub(/\\e/, "\\", line)
	put(line)
}

!manual && !kind && /^```/ {
	if ($0 == "```c")
		begin("program")
	else if ($0 ~ /^```c exit [0-9]+$/) {
		begin("program")
		exit_status = $3
	} else if ($0 == "```c file" || $0 == "```c body")
		begin($2)
	else if ($0 == "```text" && waiting)
		begin("output")
	else if ($0 ~ /^```(text|sh|cmake|make|csharp)$/)
		begin("none")
	else
		fail("a block must say what it is: c, c file, c body, text, sh, cmake, make, csharp")
	next
}
!manual && kind && /^```$/ { finish(); next }
!manual && kind { put($0) }

END {
	if (failed)
		exit 1
	if (waiting || kind) {
		printf "%s: a sample lacks its end or its output\n", FILENAME >"/dev/stderr"
		exit 1
	}
	print count + 0
}
