/* Servers under measurement; see server.h. */
#include "server.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { START_LIMIT_S = 20 };

void server_pin(int cpu)
{
	static cpu_set_t all;
	static bool known;
	cpu_set_t one;

	if (!known) {
		sched_getaffinity(0, sizeof all, &all);
		known = true;
	}
	CPU_ZERO(&one);
	if (cpu >= 0)
		CPU_SET((unsigned)cpu, &one);
	sched_setaffinity(0, sizeof one, cpu >= 0 ? &one : &all);
}

/* ---- counters */

static void counters_map(struct server *server)
{
	char path[sizeof server->folder + 16];
	int fd;

	snprintf(server->folder, sizeof server->folder, "/tmp/bench_io_XXXXXX");
	if (mkdtemp(server->folder) == NULL) {
		server->folder[0] = '\0';
		return;
	}
	snprintf(path, sizeof path, "%s/allocations", server->folder);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return;
	if (ftruncate(fd, 4096) == 0) {
		void *mapped = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);

		server->allocations = mapped != MAP_FAILED ? mapped : NULL;
	}
	close(fd);
}

static void counters_unmap(struct server *server)
{
	char path[sizeof server->folder + 16];

	if (server->allocations != NULL)
		munmap((void *)(uintptr_t)server->allocations, 4096);
	server->allocations = NULL;
	if (server->folder[0] == '\0')
		return;
	snprintf(path, sizeof path, "%s/allocations", server->folder);
	unlink(path);
	rmdir(server->folder);
	server->folder[0] = '\0';
}

/* The number of the tracepoint of all system calls; -1: this kernel or this user has none. */
static long calls_event(void)
{
	static const char *const paths[] = {
		"/sys/kernel/tracing/events/raw_syscalls/sys_enter/id",
		"/sys/kernel/debug/tracing/events/raw_syscalls/sys_enter/id",
	};
	long id = -1;

	for (int i = 0; i < 2 && id < 0; i++) {
		FILE *file = fopen(paths[i], "r");

		if (file != NULL && fscanf(file, "%ld", &id) != 1)
			id = -1;
		if (file != NULL)
			fclose(file);
	}
	return id;
}

/* Calls a function for each thread of the server. */
static void each_task(const struct server *server, void (*call)(int tid, void *argument),
                      void *argument)
{
	char path[64];
	struct dirent *entry;
	DIR *tasks;

	snprintf(path, sizeof path, "/proc/%d/task", (int)server->process.pid);
	tasks = opendir(path);
	while (tasks != NULL && (entry = readdir(tasks)) != NULL)
		if (entry->d_name[0] != '.')
			call(atoi(entry->d_name), argument);
	if (tasks != NULL)
		closedir(tasks);
}

static void count_calls_of(int tid, void *argument)
{
	struct server *server = argument;
	struct perf_event_attr attribute = { .type = PERF_TYPE_TRACEPOINT, .size = sizeof attribute };
	long id = calls_event(), fd;

	if (id < 0 || server->call_count == SERVER_TASKS_MAX)
		return;
	attribute.config = (uint64_t)id;
	attribute.inherit = 1;
	fd = syscall(SYS_perf_event_open, &attribute, tid, -1, -1, PERF_FLAG_FD_CLOEXEC);
	if (fd >= 0)
		server->calls[server->call_count++] = (int)fd;
}

int64_t server_calls(const struct server *server)
{
	int64_t sum = server->call_count > 0 ? 0 : -1;

	for (int i = 0; i < server->call_count; i++) {
		uint64_t value = 0;

		if (read(server->calls[i], &value, sizeof value) == (ssize_t)sizeof value)
			sum += (int64_t)value;
	}
	return sum;
}

int64_t server_allocations(const struct server *server)
{
	return server->allocations != NULL ? (int64_t) * (volatile const uint64_t *)server->allocations
	                                   : -1;
}

/* ---- starting and stopping */

static bool skipped(const struct server_options *options, const char *program, char *reason)
{
	char path[4096];
	FILE *file;

	snprintf(path, sizeof path, "%s/%s", options->peers, program);
	if (access(path, X_OK) == 0)
		return false;
	snprintf(path, sizeof path, "%s/%s.skip", options->peers, program);
	file = fopen(path, "r");
	snprintf(reason, REASON_BYTES, "not built");
	if (file != NULL) {
		if (fgets(reason, REASON_BYTES, file) != NULL)
			reason[strcspn(reason, "\n")] = '\0';
		fclose(file);
	}
	return true;
}

static bool launch(struct server *server, const struct io_row *row, enum io_who who,
                   const struct server_options *options)
{
	static char path[4096], mode[32], workers[16], workers_text[32], preload[4200], file[4200],
		http[4096], tls[4200];
	char *argv[] = { path, mode, workers, http, NULL };
	/* What .NET's own servers do in benchmarks: it halves the time of a request. */
	static char inline_text[] = "DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS=1";
	char *environment[6] = { workers_text, inline_text, tls };
	bool started;

	snprintf(path, sizeof path, "%s/%s", options->peers, io_whos[who].program);
	snprintf(mode, sizeof mode, "%s", row->mode);
	snprintf(workers, sizeof workers, "%d", row->workers);
	snprintf(workers_text, sizeof workers_text, "BENCH_WORKERS=%d", row->workers);
	snprintf(http, sizeof http, "%s", options->http);
	snprintf(tls, sizeof tls, "BENCH_TLS=%s", options->tls);
	if (options->count && io_whos[who].interposed) {
		counters_map(server);
		snprintf(preload, sizeof preload, "LD_PRELOAD=%s/bench_allocations.so", options->peers);
		snprintf(file, sizeof file, "BENCH_ALLOCATIONS=%s/allocations", server->folder);
		environment[3] = preload;
		environment[4] = file;
	}
	server_pin(options->cpu);
	started = process_start(&server->process, argv, environment);
	server_pin(-1);
	return started;
}

bool server_start(struct server *server, const struct io_row *row, enum io_who who,
                  const struct server_options *options, char *reason)
{
	char line[LINE_BYTES];
	int64_t until = process_now_ns() + (int64_t)START_LIMIT_S * 1000000000;

	memset(server, 0, sizeof *server);
	if (skipped(options, io_whos[who].program, reason))
		return false;
	if (!launch(server, row, who, options)) {
		snprintf(reason, REASON_BYTES, "cannot be started: %s", strerror(errno));
		counters_unmap(server);
		return false;
	}
	server->running = true;
	if (process_read_line(&server->process, line, sizeof line, until) != PROCESS_LINE) {
		server_why(server, reason);
		return false;
	}
	if (sscanf(line, "port %d", &server->port) != 1 && strcmp(line, "ready") != 0) {
		snprintf(reason, REASON_BYTES, "%.200s", line);
		server_stop(server);
		return false;
	}
	clock_getcpuclockid(server->process.pid, &server->clock);
	if (options->count)
		each_task(server, count_calls_of, server);
	return true;
}

bool server_ask(struct server *server, int limit_s, double *value, char *reason)
{
	char line[LINE_BYTES];

	if (process_write(&server->process, "run\n") &&
	    process_read_line(&server->process, line, sizeof line,
	                      process_now_ns() + (int64_t)limit_s * 1000000000) == PROCESS_LINE) {
		if (sscanf(line, "value %lf", value) == 1)
			return true;
		snprintf(reason, REASON_BYTES, "not understood: %.200s", line);
		server_stop(server);
		return false;
	}
	server_why(server, reason);
	return false;
}

static void forget(struct server *server)
{
	for (int i = 0; i < server->call_count; i++)
		close(server->calls[i]);
	counters_unmap(server);
	server->running = false;
}

void server_stop(struct server *server)
{
	if (!server->running)
		return;
	process_stop(&server->process, true, NULL, 0);
	forget(server);
}

void server_rest(const struct server *server, bool rests)
{
	if (server->running)
		(void)kill(server->process.pid, rests ? SIGSTOP : SIGCONT);
}

void server_why(struct server *server, char *reason)
{
	struct timespec pause = { .tv_nsec = 50000000 };
	bool alive;

	nanosleep(&pause, NULL); /* one that crashes needs a moment to end */
	alive = server_cpu_ns(server) >= 0 && server_memory(server) > 0;
	if (!server->running)
		return;
	process_stop(&server->process, true, reason, REASON_BYTES);
	if (alive)
		snprintf(reason, REASON_BYTES, "did not answer in time");
	forget(server);
}

/* ---- reading */

int64_t server_cpu_ns(const struct server *server)
{
	struct timespec time;

	if (clock_gettime(server->clock, &time) != 0)
		return -1;
	return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

void server_ticks(const struct server *server, int64_t *user, int64_t *system)
{
	char path[64], text[1024];
	unsigned long long times[2] = { 0, 0 };
	FILE *file;
	size_t length;

	snprintf(path, sizeof path, "/proc/%d/stat", (int)server->process.pid);
	file = fopen(path, "r");
	length = file != NULL ? fread(text, 1, sizeof text - 1, file) : 0;
	text[length] = '\0';
	if (file != NULL)
		fclose(file);
	if (strrchr(text, ')') != NULL)
		sscanf(strrchr(text, ')'), ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu",
		       &times[0], &times[1]);
	*user = (int64_t)times[0];
	*system = (int64_t)times[1];
}

/* Reads a number of a status file, or -1. */
static int64_t status(const char *path, const char *key)
{
	char line[256];
	long long value = -1;
	FILE *file = fopen(path, "r");

	while (file != NULL && fgets(line, sizeof line, file) != NULL)
		if (strncmp(line, key, strlen(key)) == 0)
			value = strtoll(line + strlen(key), NULL, 10);
	if (file != NULL)
		fclose(file);
	return value;
}

int64_t server_memory(const struct server *server)
{
	char path[64];

	snprintf(path, sizeof path, "/proc/%d/status", (int)server->process.pid);
	return status(path, "RssAnon:") * 1024;
}

struct sleeps {
	int pid;
	int64_t sum;
};

static void add_sleeps(int tid, void *argument)
{
	struct sleeps *sleeps = argument;
	char path[64];

	snprintf(path, sizeof path, "/proc/%d/task/%d/status", sleeps->pid, tid);
	sleeps->sum += status(path, "voluntary_ctxt_switches:");
}

int64_t server_sleeps(const struct server *server)
{
	struct sleeps sleeps = { .pid = (int)server->process.pid };

	each_task(server, add_sleeps, &sleeps);
	return sleeps.sum;
}
