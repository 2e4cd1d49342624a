/*
 * main.c - serves a folder over HTTP/1.1.
 *
 *     http_files [OPTION...] [FOLDER]
 *
 * SIGTERM and SIGINT end it: it accepts no more, and the answers that have begun are sent. A second
 * SIGINT ends it at once.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "connection.h"
#include "log.h"
#include "parser.h"

struct options {
	const char *address, *port, *folder;
	const char *certificate, *key; /* NULL if there is no TLS */
	unsigned workers;
	size_t limit;
	int64_t idle_ns, request_ns, send_ns, drain_ns;
	bool has_log, hides_lists;
};

static void print_usage(FILE *to)
{
	fprintf(to, "usage: http_files [OPTION...] [FOLDER]\n"
	            "\n"
	            "Serves the files in FOLDER, by default the current one, over HTTP/1.1.\n"
	            "\n"
	            "  -p, --port PORT        default 8080; 0 takes a free one\n"
	            "  -a, --address ADDRESS  default 127.0.0.1; '*' for all\n"
	            "      --tls CERT KEY     HTTPS: a certificate and its key, files in PEM\n"
	            "  -w, --workers N        default: one for each CPU\n"
	            "  -l, --log              a line for each request on standard output\n"
	            "      --no-lists         no lists of folders without index.html\n"
	            "      --limit N          connections at one time; default 4096\n"
	            "      --idle SECONDS     a connection without a request ends; default 30\n"
	            "      --request SECONDS  a request must be complete; default 10\n"
	            "      --send SECONDS     a client must take 32 KiB of an answer; default 30\n"
	            "      --drain SECONDS    after SIGTERM answers may take so long; default 10\n");
}

/* Reads a number from 0 to max. Ends the program if it is none. */
static unsigned long read_number(const char *text, unsigned long max)
{
	char *end;
	unsigned long number = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end != '\0' || number > max) {
		fprintf(stderr, "http_files: %s is no number from 0 to %lu\n", text, max);
		exit(2);
	}
	return number;
}

static int64_t read_seconds(const char *text)
{
	return BIDE_SECONDS((int64_t)read_number(text, 86400));
}

static void read_options(int count, char **words, struct options *options)
{
	enum { NO_LISTS = 256, LIMIT, IDLE, REQUEST, SEND, DRAIN, TLS };
	static const struct option names[] = {
		{ "port", required_argument, NULL, 'p' },
		{ "address", required_argument, NULL, 'a' },
		{ "workers", required_argument, NULL, 'w' },
		{ "log", no_argument, NULL, 'l' },
		{ "help", no_argument, NULL, 'h' },
		{ "no-lists", no_argument, NULL, NO_LISTS },
		{ "limit", required_argument, NULL, LIMIT },
		{ "idle", required_argument, NULL, IDLE },
		{ "request", required_argument, NULL, REQUEST },
		{ "send", required_argument, NULL, SEND },
		{ "drain", required_argument, NULL, DRAIN },
		{ "tls", required_argument, NULL, TLS },
		{ NULL, 0, NULL, 0 },
	};

	for (int name; (name = getopt_long(count, words, "p:a:w:lh", names, NULL)) != -1;) {
		switch (name) {
		case 'p':
			options->port = optarg;
			break;
		case 'a':
			options->address = strcmp(optarg, "*") == 0 ? NULL : optarg;
			break;
		case 'w':
			options->workers = (unsigned)read_number(optarg, 1024);
			break;
		case 'l':
			options->has_log = true;
			break;
		case NO_LISTS:
			options->hides_lists = true;
			break;
		case LIMIT:
			options->limit = read_number(optarg, 1000000);
			options->limit += options->limit == 0; /* 0 would be the default of bide_serve */
			break;
		case IDLE:
			options->idle_ns = read_seconds(optarg);
			break;
		case REQUEST:
			options->request_ns = read_seconds(optarg);
			break;
		case SEND:
			options->send_ns = read_seconds(optarg);
			break;
		case DRAIN:
			options->drain_ns = read_seconds(optarg);
			break;
		case TLS:
			options->certificate = optarg;
			options->key = optind < count ? words[optind++] : "";
			break;
		case 'h':
			print_usage(stdout);
			exit(0);
		default:
			print_usage(stderr);
			exit(2);
		}
	}
	if (optind < count)
		options->folder = words[optind++];
	if (optind < count) {
		print_usage(stderr);
		exit(2);
	}
}

/*
 * A connection takes a descriptor, and another one while a file is sent. Raises the limit of the
 * process, and returns how many connections there may be.
 */
static size_t limit_connections(size_t connections)
{
	struct rlimit limit;
	const rlim_t others = 64, wanted = (rlim_t)connections * 2 + others;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted)
		return connections;
	limit.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur < wanted)
		connections = limit.rlim_cur > others + 2 ? (size_t)(limit.rlim_cur - others) / 2 : 1;
	return connections;
}

/* --- the server --- */

/* Waits for a signal. It wins the race against the server, and so ends it. */
struct wait_for_end {
	BIDE_ASYNC_FRAME;
	struct {
		struct site *site;
	} in;
	int64_t number;
};

bide_async(wait_for_end)
{
	bide_async_in(site);
	bide_await(my->number, bide_signal_wait(SIGTERM, SIGINT));
	site_end(site);
	bide_async_return(my->number);
bide_async_finally:
	bide_async_end;
}

struct server {
	BIDE_ASYNC_FRAME;
	struct {
		const struct options *options;
		struct site *site;
	} in;
	bide_listener *listener;
	bide_context *scope;
	bide_value_task items[2]; /* the server, the signal */
	int64_t first;
};

static void say_address(const struct server *my)
{
	char text[BIDE_ADDRESS_TEXT_BYTES] = "";
	bide_address address;

	if (bide_listener_address(my->listener, &address) == 0)
		bide_address_text(&address, text, sizeof text);
	fprintf(stderr, "http_files: http%s://%s/ serves %s (%s)\n", my->in.site->tls ? "s" : "", text,
	        my->in.options->folder, parser_name());
}

bide_async(server)
{
	bide_async_in(options, site);
	/* A client that takes nothing holds as little of the kernel's memory, and is noticed sooner. */
	bide_await(my->listener, bide_tcp_listen(options->address, options->port,
	                                         &(bide_tcp_options){ .send_buffer_bytes = 131072 }));
	my->scope = bide_context_create(NULL);
	if (!my->scope)
		bide_async_fail(ENOMEM);
	say_address(my);
	my->items[0] = bide_in_context(my->scope, bide_serve(my->listener, connection_serve, site,
	                                                     &(bide_serve_options){
															 .limit = options->limit,
															 .idle_ns = options->idle_ns,
															 .drain_ns = options->drain_ns,
														 }));
	my->items[1] = bide_in_context(my->scope, bide_async_start(wait_for_end, .site = site));
	bide_await(my->first, bide_race(my->scope, my->items, 2));
	/* The signal has come, or one of the two has failed. */
	if (bide_value_task_error(my->items[my->first]))
		bide_async_fail(bide_value_task_error(my->items[my->first]));
bide_async_finally:
	bide_context_unref(my->scope);
	bide_listener_close(my->listener);
	bide_async_end;
}

/* Makes the config of HTTPS, if that was asked for. Ends the program if it cannot be made. */
static bide_tls_config *open_tls(const struct options *options)
{
	bide_tls_config *config = NULL;

	if (!options->certificate)
		return NULL;
#ifdef HTTP_FILES_HAS_TLS
	bide_tls_identity identity = { .certificate_file = options->certificate,
		                           .key_file = options->key };
	char text[200];
	int error = bide_tls_config_create(&config, &(bide_tls_options){
													.identities = &identity,
													.identity_count = 1,
													.protocols = "http/1.1",
													.error_text = text,
													.error_text_bytes = sizeof text,
												});

	if (!error)
		return config;
	fprintf(stderr, "http_files: %s\n", text);
#else
	fprintf(stderr, "http_files: it was built without TLS\n");
#endif
	exit(1);
}

static void close_tls(bide_tls_config *config)
{
#ifdef HTTP_FILES_HAS_TLS
	bide_tls_config_unref(config);
#else
	(void)config;
#endif
}

int main(int count, char **words)
{
	struct options options = {
		.address = "127.0.0.1",
		.port = "8080",
		.folder = ".",
		.limit = 4096,
		.idle_ns = BIDE_SECONDS(30),
		.request_ns = BIDE_SECONDS(10),
		.send_ns = BIDE_SECONDS(30),
		.drain_ns = BIDE_SECONDS(10),
	};
	struct site site;
	int error;

	read_options(count, words, &options);
	options.limit = limit_connections(options.limit);
	error = options.workers ? bide_configure(&(bide_config){ .workers = options.workers }) : 0;
	if (error) {
		fprintf(stderr, "http_files: --workers: %s\n", strerror(error));
		return 1;
	}
	error = site_open(&site, options.folder);
	if (error) {
		fprintf(stderr, "http_files: %s: %s\n", options.folder, strerror(error));
		return 1;
	}
	site.lists = !options.hides_lists;
	site.request_ns = options.request_ns;
	site.send_ns = options.send_ns;
	site.tls = open_tls(&options);
	site.log = options.has_log ? log_open() : NULL;
	error =
		bide_value_task_wait(bide_async_start(server, .options = &options, .site = &site), NULL);
	if (error)
		fprintf(stderr, "http_files: %s\n", bide_strerror(error));
	(void)bide_shutdown(NULL);
	log_close(site.log);
	close_tls(site.tls);
	site_close(&site);
	return error != 0;
}
