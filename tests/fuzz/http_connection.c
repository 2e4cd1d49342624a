/*
 * http_connection.c - fuzzes the function that serves a client of examples/http_files.
 *
 * The first byte of an input says in what pieces the rest comes: how large they are, whether they
 * are waited for, and how much the client takes at a time. The output must be a row of whole
 * answers. What lies beside the folder must not be in it. A client that has sent all ends its side.
 */
#include "fuzz.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "connection.h"

enum { OUTPUT_MAX_BYTES = 1 << 20 };

static const char secret[] = "THE SECRET";
static char folder[64];
static struct site site;

/* --- the folder --- */

static void write_file(const char *name, const char *text)
{
	char path[128];
	int file;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	FUZZ_CHECK(file >= 0 && write(file, text, strlen(text)) == (ssize_t)strlen(text));
	close(file);
}

static void remove_folder(void)
{
	static const char *const names[] = { "www/index.html", "www/a", "www/sub/b", "www/link",
		                                 "www/sub",        "www",   "secret" };
	char path[128];

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		snprintf(path, sizeof path, "%s/%s", folder, names[i]);
		remove(path);
	}
	rmdir(folder);
}

static void make_folder(void)
{
	char path[128];

	strcpy(folder, "/tmp/bide-fuzz-XXXXXX");
	FUZZ_CHECK(mkdtemp(folder));
	atexit(remove_folder);
	snprintf(path, sizeof path, "%s/www", folder);
	mkdir(path, 0777);
	snprintf(path, sizeof path, "%s/www/sub", folder);
	mkdir(path, 0777);
	write_file("secret", secret);
	write_file("www/index.html", "<p>index</p>");
	write_file("www/a", "a few bytes");
	write_file("www/sub/b", "b");
	snprintf(path, sizeof path, "%s/www/link", folder);
	FUZZ_CHECK(symlink("../secret", path) == 0);
	snprintf(path, sizeof path, "%s/www", folder);
	FUZZ_CHECK(site_open(&site, path) == 0);
	site.lists = true;
	site.request_ns = site.send_ns = BIDE_SECONDS(600);
}

/* --- a client in memory --- */

struct client {
	const uint8_t *at, *end;
	size_t piece_bytes, taken_bytes; /* at most, at a time */
	bool is_late;                    /* every read has to be waited for */
	size_t size;
	char output[OUTPUT_MAX_BYTES + 1];
};

struct come_late {
	BIDE_ASYNC_FRAME;
	struct {
		size_t count;
	} in;
};

bide_async(come_late)
{
	bide_async_in(count);
	bide_await(bide_async_yield());
	bide_async_return(count);
bide_async_finally:
	bide_async_end;
}

static bide_value_task client_read(void *object, void *to, size_t size_bytes)
{
	struct client *client = object;
	size_t count = (size_t)(client->end - client->at);

	count = count < client->piece_bytes ? count : client->piece_bytes;
	count = count < size_bytes ? count : size_bytes;
	memcpy(to, client->at, count);
	client->at += count;
	if (client->is_late)
		return bide_async_start(come_late, .count = count);
	return bide_value_task_from((int64_t)count);
}

static bide_value_task client_write(void *object, const struct iovec *parts, size_t count)
{
	struct client *client = object;
	size_t taken = 0;

	for (size_t i = 0; i < count && taken < client->taken_bytes; i++) {
		size_t size = parts[i].iov_len;

		if (size > client->taken_bytes - taken)
			size = client->taken_bytes - taken;
		FUZZ_CHECK(size <= OUTPUT_MAX_BYTES - client->size);
		memcpy(client->output + client->size, parts[i].iov_base, size);
		client->size += size;
		taken += size;
	}
	return bide_value_task_from((int64_t)taken);
}

static const bide_stream_type client_type = { .name = "client",
	                                          .read = client_read,
	                                          .write = client_write };

/* --- the output --- */

static void check_answers(const char *at, const char *end)
{
	static const char begin[] = "HTTP/1.1 ", length[] = "\r\nContent-Length: ";

	FUZZ_CHECK(!memmem(at, (size_t)(end - at), secret, sizeof secret - 1));
	while (at < end) {
		char *head_end = memmem(at, (size_t)(end - at), "\r\n\r\n", 4), *field;
		size_t size = 0;

		FUZZ_CHECK(strncmp(at, begin, sizeof begin - 1) == 0 && head_end);
		field = memmem(at, (size_t)(head_end - at), length, sizeof length - 1);
		if (field)
			size = strtoul(field + sizeof length - 1, NULL, 10);
		at = head_end + 4;
		/* After HEAD there is no body. No file begins like an answer. */
		if (at < end && strncmp(at, begin, sizeof begin - 1) != 0) {
			FUZZ_CHECK(size <= (size_t)(end - at));
			at += size;
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes)
{
	static const size_t pieces[] = { SIZE_MAX, 1, 2, 7, 64, 1000, 5000, 16384 };
	static struct client client;
	fuzz_input input = { bytes, bytes + size_bytes };
	uint64_t way = fuzz_take(&input, 1);
	bide_stream *stream;
	bide_value_task served;

	if (!folder[0]) {
		make_folder();
		FUZZ_CHECK(bide_configure(&(bide_config){ .workers = 1 }) == 0);
	}
	client.at = input.at;
	client.end = input.end;
	client.piece_bytes = pieces[way & 7];
	client.is_late = (way & 8) != 0;
	client.taken_bytes = pieces[way >> 4 & 7];
	client.size = 0;
	stream = bide_stream_create(&client_type, &client);
	FUZZ_CHECK(stream);
	served = connection_serve(stream, &site);
	FUZZ_CHECK(bide_value_task_wait(served, NULL) == 0);
	FUZZ_CHECK(bide_value_task_wait(bide_stream_flush(stream), NULL) == 0);
	bide_stream_close(stream);
	client.output[client.size] = '\0';
	check_answers(client.output, client.output + client.size);
	return 0;
}
