/*
 * bench_io: the benchmarks of I/O. Starts bide's servers and those of its peers, loads them in
 * turn, round by round, and prints a table with the ratios and the targets.
 *
 * A server is a program that says at which port it listens; README.md has the rest. One that is
 * missing or fails is named with the reason, and the others go on.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "../host.h"
#include "load.h"
#include "report.h"
#include "run.h"

enum { FILE_BYTES = 1024 };

/* ---- command line */

static void usage(FILE *out)
{
	fprintf(out,
	        "usage: bench_io [options] [rows]\n"
	        "  --quick         shorter and fewer measurements\n"
	        "  --rounds N      rounds of each row, 1 to %d (5)\n"
	        "  --ms N          milliseconds of a measurement, 20 to 10000 (400)\n"
	        "  --results FILE  where a JSON object a line is appended (%s)\n"
	        "  --peers FOLDER  where the servers are (peers, beside this program)\n"
	        "rows (all):",
	        IO_ROUNDS_MAX, BENCH_IO_RESULTS);
	for (int row = 0; row < io_row_count; row++)
		fprintf(out, " %s", io_rows[row].name);
	fputc('\n', out);
}

/* A row by its name; a name that ends in a star stands for all that begin so. */
static bool select_rows(const char *name)
{
	size_t length = strlen(name);
	bool found = false, some = length > 0 && name[length - 1] == '*';

	for (int row = 0; row < io_row_count; row++)
		if (some ? strncmp(io_rows[row].name, name, length - 1) == 0
		         : strcmp(io_rows[row].name, name) == 0)
			options.wanted[row] = found = true;
	if (!found)
		fprintf(stderr, "bench_io: there is no row \"%s\"\n", name);
	return found;
}

static bool number(const char *option, const char *text, int least, int most, int *out)
{
	char *rest;
	long value = strtol(text, &rest, 10);

	if (rest == text || *rest != '\0' || value < least || value > most) {
		fprintf(stderr, "bench_io: --%s takes a number from %d to %d, not \"%s\"\n", option, least,
		        most, text);
		return false;
	}
	*out = (int)value;
	return true;
}

/* Returns 0 to go on, otherwise the exit status plus one. */
static int read_options(int argc, char **argv)
{
	static const struct option known[] = {
		{ "quick", no_argument, NULL, 'q' },
		{ "rounds", required_argument, NULL, 'r' },
		{ "ms", required_argument, NULL, 'm' },
		{ "results", required_argument, NULL, 'o' },
		{ "peers", required_argument, NULL, 'p' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int option, ms = 0;
	bool good = true;

	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (option == 'q') {
			options.quick = true;
			options.rounds = 2;
			options.seconds = 0.15;
		} else if (option == 'r') {
			good = good && number("rounds", optarg, 1, IO_ROUNDS_MAX, &options.rounds);
		} else if (option == 'm') {
			good = good && number("ms", optarg, 20, 10000, &ms);
		} else if (option == 'o') {
			options.results_path = optarg;
		} else if (option == 'p') {
			snprintf(options.peers, sizeof options.peers, "%s", optarg);
		} else {
			usage(option == 'h' ? stdout : stderr);
			return option == 'h' ? 1 : 3;
		}
	}
	if (ms > 0)
		options.seconds = ms / 1e3;
	for (int i = optind; i < argc; i++)
		good = select_rows(argv[i]) && good;
	for (int row = 0; row < io_row_count && optind == argc; row++)
		options.wanted[row] = true;
	return good ? 0 : 3;
}

static bool find_folder(void)
{
	ssize_t length = readlink("/proc/self/exe", options.peers, sizeof options.peers - 64);

	if (length < 0)
		return false;
	options.peers[length] = '\0';
	memcpy(strrchr(options.peers, '/'), "/peers", sizeof "/peers");
	return true;
}

/* The folder that the servers of HTTP serve, with one file. */
static bool make_http_folder(void)
{
	char path[128];
	FILE *file;

	snprintf(options.http, sizeof options.http, "/tmp/bench_http_XXXXXX");
	if (mkdtemp(options.http) == NULL || chmod(options.http, 0755) != 0)
		return false;
	snprintf(path, sizeof path, "%s/1k.html", options.http);
	file = fopen(path, "w");
	if (file == NULL)
		return false;
	for (int i = 0; i < FILE_BYTES; i++)
		fputc(i % 64 == 63 ? '\n' : 'x', file);
	return fclose(file) == 0 && chmod(path, 0644) == 0;
}

/* The folder of the key and the certificate. */
static bool make_tls_folder(void)
{
	snprintf(options.tls, sizeof options.tls, "/tmp/bench_tls_XXXXXX");
	if (mkdtemp(options.tls) == NULL)
		return false;
	options.has_tls = wire_prepare_tls(options.tls);
	return true;
}

static void remove_file(const char *folder, const char *name)
{
	char path[128];

	snprintf(path, sizeof path, "%s/%s", folder, name);
	unlink(path);
}

static void remove_folders(void)
{
	remove_file(options.http, "1k.html");
	rmdir(options.http);
	remove_file(options.tls, "certificate.pem");
	remove_file(options.tls, "key.pem");
	rmdir(options.tls);
}

static void prepare(char *machine, size_t size)
{
	struct rlimit limit;
	struct utsname system;
	char line[256], model[128] = "unknown processor";
	FILE *cpu = fopen("/proc/cpuinfo", "r");

	while (cpu != NULL && fgets(line, sizeof line, cpu) != NULL)
		if (sscanf(line, "model name : %127[^\n]", model) == 1)
			break;
	if (cpu != NULL)
		fclose(cpu);
	uname(&system);
	snprintf(machine, size,
	         "%s, %ld CPUs, %s %s; medians of %d rounds in turn; ratio = peer / bide", model,
	         sysconf(_SC_NPROCESSORS_ONLN), system.sysname, system.release, options.rounds);
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	options.cpu = (int)sysconf(_SC_NPROCESSORS_ONLN) - 1;
	options.priority = load_priority(true);
	load_priority(false);
	if (!options.priority)
		run_note("the client may not have a priority (SCHED_FIFO): turns are less regular");
}

int main(int argc, char **argv)
{
	char machine[512], host[512];
	struct host costs;
	bool written = true;
	int stop;

	signal(SIGPIPE, SIG_IGN);
	io_report_init(&results);
	if (!find_folder() || !make_http_folder() || !make_tls_folder()) {
		fprintf(stderr, "bench_io: cannot prepare its folders: %s\n", strerror(errno));
		return 1;
	}
	stop = read_options(argc, argv);
	if (stop == 0) {
		prepare(machine, sizeof machine);
		host_measure(&costs);
		host_describe(&costs, host, sizeof host);
		printf("%s\nHost: %s\n", machine, host);
#ifndef __OPTIMIZE__
		printf("This is not an optimised build: the figures mean nothing.\n");
#endif
		io_report_head();
		for (int row = 0; row < io_row_count; row++) {
			if (!options.wanted[row])
				continue;
			run_row(row);
			run_progress("", "", "");
			io_report_row(&results, row);
			written = io_report_append(&results, row, options.results_path) && written;
		}
		io_report_targets(&results);
		run_print_notes();
		printf("\nresults: %s\n", options.results_path);
		written = io_report_markdown(&results, options.results_path, machine, host) && written;
	}
	remove_folders();
	return stop != 0 ? stop - 1 : written ? 0 : 1;
}
