/*
 * sample_main.c - runs a program of the documents, whose main is sample_main here, and compares its
 * output with the document: that of sample_NAME with NAME.text in SAMPLE_TEXTS. Exits with 0 if
 * they are the same and main returned the status that the document states, or 0 if it states none.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int sample_main(void);
extern const int sample_status;

enum { TEXT_BYTES_MAX = 65536 };

static size_t read_whole(FILE *file, char *text)
{
	size_t size_bytes = fread(text, 1, TEXT_BYTES_MAX - 1, file);

	text[size_bytes] = '\0';
	return size_bytes;
}

int main(int argc, char **argv)
{
	static char printed[TEXT_BYTES_MAX], expected[TEXT_BYTES_MAX];
	const char *name = argc > 0 ? strrchr(argv[0], '/') : NULL;
	char path[4096];
	FILE *file, *capture = tmpfile();
	int status;

	snprintf(path, sizeof path, "%s/%s.text", SAMPLE_TEXTS,
	         name ? name + strlen("/sample_") : "(none)");
	file = fopen(path, "r");
	if (!file || !capture || dup2(fileno(capture), STDOUT_FILENO) < 0) {
		perror(path);
		return 1;
	}
	read_whole(file, expected);
	fclose(file);
	status = sample_main();
	fflush(stdout);
	rewind(capture);
	read_whole(capture, printed);
	fclose(capture);
	if (status == sample_status && strcmp(printed, expected) == 0)
		return 0;
	fprintf(stderr, "main returned %d\n--- it printed\n%s", status, printed);
	fprintf(stderr, "--- the document says\n%s", expected);
	return 1;
}
