#include "unit.h"

#include "callee.h"
#include "flow.h"
#include "report.h"

#include <string.h>

/*
 * What the language forbids around jumps is what the check is about: it reports these in its own
 * words.
 */
static bool is_about_jumps(const char *text)
{
	return starts_with(text, "cannot jump from");
}

static bool complain_of(CXDiagnostic diagnostic, const char *file)
{
	const char *text = text_of(clang_getDiagnosticSpelling(diagnostic));
	CXFile where = NULL;
	unsigned line, column;

	if (clang_getDiagnosticSeverity(diagnostic) < CXDiagnostic_Error || is_about_jumps(text))
		return false;
	clang_getFileLocation(clang_getDiagnosticLocation(diagnostic), &where, &line, &column, NULL);
	if (strcmp(text, "use of undeclared identifier 't_'") == 0) /* a name of the macro's own */
		text = "await stands only in an async function, between async_begin and async_end";
	if (where)
		complain("%s does not compile: %s:%u:%u: %s", file, text_of(clang_getFileName(where)), line,
		         column, text);
	else
		complain("%s does not compile: %s", file, text);
	if (strstr(text, "'stddef.h' file not found") || strstr(text, "'stdarg.h' file not found"))
		complain("libclang's own headers are missing (Debian: libclang-common-%d-dev); or give "
		         "-resource-dir DIR behind --",
		         CINDEX_VERSION_MINOR - 48);
	else if (strstr(text, "file not found"))
		complain("give the folders of headers behind --, as -I DIR, or use -p DIR with a "
		         "compile_commands.json");
	return true;
}

/* The first error says what is wrong; what follows it follows from it. */
static bool has_errors(CXTranslationUnit unit, const char *file)
{
	unsigned count = clang_getNumDiagnostics(unit);
	bool failed = false;

	for (unsigned i = 0; i < count && !failed; i++) {
		CXDiagnostic diagnostic = clang_getDiagnostic(unit, i);

		failed = complain_of(diagnostic, file);
		clang_disposeDiagnostic(diagnostic);
	}
	return failed;
}

static bool is_header_of_bide(const char *path)
{
	const char *folder = strstr(path, "bide/");

	while (folder && strchr(folder + 5, '/'))
		folder = strstr(folder + 5, "bide/");
	return folder && ends_with(path, ".h");
}

/* Not what macros of bide define beside a body, nor what headers of the system do. */
static bool is_of_the_user(CXCursor function)
{
	CXSourceLocation at = clang_getCursorLocation(function);
	const char *name = name_of(function);
	CXFile file = NULL;

	if (clang_Location_isInSystemHeader(at))
		return false;
	clang_getFileLocation(at, &file, NULL, NULL, NULL);
	if (file && starts_with(name, "bide_") && is_header_of_bide(text_of(clang_getFileName(file))))
		return false;
	return !ends_with(name, "_") || is_async_body(function);
}

static enum CXChildVisitResult visit(CXCursor cursor, CXCursor parent, CXClientData data)
{
	struct node *function;

	(void)parent;
	(void)data;
	if (clang_getCursorKind(cursor) != CXCursor_FunctionDecl || !clang_isCursorDefinition(cursor) ||
	    !is_of_the_user(cursor))
		return CXChildVisit_Continue;
	function = tree_of(cursor);
	if (is_async_body(cursor))
		check_body(function);
	else
		note_function(function);
	check_dropped(function);
	return CXChildVisit_Continue;
}

static const char *meaning_of(enum CXErrorCode code)
{
	switch (code) {
	case CXError_Crashed:
		return "libclang crashed while it read it";
	case CXError_InvalidArguments:
		return "libclang does not take these compiler flags";
	case CXError_ASTReadError:
		return "it is a compiled syntax tree that libclang cannot read; C source is allowed";
	default:
		return "libclang cannot read it; check the compiler flags behind --";
	}
}

void check_file(const char *file, const char *const *arguments, int count)
{
	CXIndex index = clang_createIndex(0, 0);
	CXTranslationUnit unit = NULL;
	enum CXErrorCode code = clang_parseTranslationUnit2(index, file, arguments, count, NULL, 0,
	                                                    CXTranslationUnit_KeepGoing, &unit);

	if (code != CXError_Success || !unit)
		complain("%s: %s", file, meaning_of(code));
	else if (!has_errors(unit, file))
		clang_visitChildren(clang_getTranslationUnitCursor(unit), visit, NULL);
	report_flush();
	if (unit)
		clang_disposeTranslationUnit(unit);
	clang_disposeIndex(index);
	results_forget();
	callees_forget();
	arena_reset();
}
