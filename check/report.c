#include "report.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct finding {
	char *file, *text;
	unsigned line, column, printed;
};

static struct finding *findings;
static unsigned finding_count, room, complaints;

static void *or_end(void *memory)
{
	if (!memory) {
		fputs("bide-check: no memory\n", stderr);
		exit(2);
	}
	return memory;
}

unsigned line_of(CXCursor at)
{
	unsigned line = 0;

	clang_getFileLocation(clang_getCursorLocation(at), NULL, &line, NULL, NULL);
	return line;
}

static char *file_of(CXFile file)
{
	CXString name = clang_getFileName(file);
	const char *text = clang_getCString(name);
	char *copy = or_end(strdup(text ? text : "?"));

	clang_disposeString(name);
	return copy;
}

static int is_known(const struct finding *wanted)
{
	for (unsigned i = 0; i < finding_count; i++)
		if (findings[i].line == wanted->line && findings[i].column == wanted->column &&
		    strcmp(findings[i].text, wanted->text) == 0 &&
		    strcmp(findings[i].file, wanted->file) == 0)
			return 1;
	return 0;
}

/* Does the line that holds the byte at `offset` ask for silence? */
static int is_silenced(CXCursor at, CXFile file, unsigned offset)
{
	static const char words[] = "bide-check: ignore";
	size_t size = 0, begin = offset, end = offset;
	const char *text =
		file ? clang_getFileContents(clang_Cursor_getTranslationUnit(at), file, &size) : NULL;

	if (!text || offset >= size)
		return 0;
	while (begin > 0 && text[begin - 1] != '\n')
		begin--;
	while (end < size && text[end] != '\n')
		end++;
	for (; begin + sizeof words - 1 <= end; begin++)
		if (memcmp(text + begin, words, sizeof words - 1) == 0)
			return 1;
	return 0;
}

void report(CXCursor at, const char *format, ...)
{
	struct finding finding = { NULL, NULL, 0, 0, 0 };
	CXFile file = NULL;
	unsigned offset = 0;
	char text[1024];
	va_list arguments;

	clang_getFileLocation(clang_getCursorLocation(at), &file, &finding.line, &finding.column,
	                      &offset);
	if (is_silenced(at, file, offset))
		return;
	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	finding.text = or_end(strdup(text));
	finding.file = file_of(file);
	if (is_known(&finding)) {
		free(finding.text);
		free(finding.file);
		return;
	}
	if (finding_count == room) {
		room = room ? room * 2 : 16;
		findings = or_end(realloc(findings, room * sizeof *findings));
	}
	findings[finding_count++] = finding;
}

static int compare(const void *left, const void *right)
{
	const struct finding *a = left, *b = right;
	int files = strcmp(a->file, b->file);

	if (files)
		return files;
	if (a->line != b->line)
		return a->line < b->line ? -1 : 1;
	return a->column < b->column ? -1 : a->column > b->column;
}

void report_flush(void)
{
	if (finding_count)
		qsort(findings, finding_count, sizeof *findings, compare);
	for (unsigned i = 0; i < finding_count; i++) {
		if (findings[i].printed)
			continue;
		findings[i].printed = 1;
		printf("%s:%u:%u: warning: %s\n", findings[i].file, findings[i].line, findings[i].column,
		       findings[i].text);
	}
	fflush(stdout);
}

unsigned report_count(void)
{
	return finding_count;
}

void complain(const char *format, ...)
{
	va_list arguments;

	fflush(stdout);
	fputs("bide-check: ", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	complaints++;
}

unsigned complaint_count(void)
{
	return complaints;
}
