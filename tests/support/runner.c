/*
 * The test runner. It forks each test into a process group of its own, watches its time, and
 * derives its outcome from the way it ended. Standard output gets one line for each test that
 * failed or was skipped, and one summary line. The output of a failed test goes to standard error.
 *
 * A failed assertion aborts the process (cmocka's CMOCKA_TEST_ABORT) instead of jumping back. So it
 * may happen on any thread, and sanitizers and debuggers see the place.
 */
#define _GNU_SOURCE
#include "test.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* What hangs once may hang in every test, and each takes its time. */
enum { TIMED_OUT_MAX = 3 };

enum { EXIT_SKIPPED = 77, EXIT_LEAKED_FD = 78, FD_COUNT_MAX = 65536 };

/*
 * libc keeps the addresses of name servers in the descriptor of each thread that looked up a name.
 * LeakSanitizer misses them there in about one run of a thousand. It calls this function.
 */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:__res_context_send\nleak:__GI___res_context_send\n";
}

/* Shared memory, in which the process of a test reports to the runner. */
struct report {
	bool finished;
	bool simulated;
	uint64_t schedule; /* a hash of the simulated schedules */
	char skip_reason[256];
	char leaked_fds[256];
};

struct options {
	bool list, verbose;
	unsigned long first_seed, last_seed; /* 0 if there are none */
	int filter_count;
	char **filters;
};

struct counts {
	int passed, failed, skipped;
	int timed_out;                 /* of those that failed */
	unsigned long runs, schedules; /* with seeds */
};

/* The outcome of one run. */
enum outcome { PASSED, FAILED, TIMED_OUT, SKIPPED };

static struct test_case *first_test, **last_test = &first_test;
static struct report *report;

void test_register(struct test_case *test)
{
	*last_test = test;
	last_test = &test->next;
}

__attribute__((weak)) void test_after_each(void)
{
}

double test_time_factor(void)
{
	const char *text = getenv("BIDE_TEST_TIME_FACTOR");
	double factor = text ? strtod(text, NULL) : 1;
	return factor >= 1 ? factor : 1;
}

/* Coverage is written at exit only. Every other way out of the process calls this first. */
static void save_coverage(void)
{
#ifdef BIDE_COVERAGE
	extern void __gcov_dump(void);
	__gcov_dump();
#endif
}

static double now_s(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static const double rounds_max_s = 3;
static double rounds_end_s; /* for the running test */

bool test_round(int round, int count)
{
	return round < count && now_s() < rounds_end_s;
}

void test_skip(const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(report->skip_reason, sizeof report->skip_reason, format, arguments);
	va_end(arguments);
	save_coverage();
	_exit(EXIT_SKIPPED);
}

void test_in_range(uintmax_t value, uintmax_t minimum, uintmax_t maximum, const char *file,
                   int line)
{
	if (value >= minimum && value <= maximum)
		return;
	print_error("%ju is not within the range %ju-%ju\n", value, minimum, maximum);
	_fail(file, line);
}

#undef pthread_create
int test_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                        void *argument)
{
	if (test_seeded())
		test_skip("it starts threads");
	if (getenv("BIDE_TEST_NO_THREADS"))
		test_skip("it starts threads, which valgrind runs one at a time; asan and tsan run it");
	return pthread_create(thread, attributes, run, argument);
}

/* ---- seeds */

uint64_t (*test_schedule)(void);

bool test_seeded(void)
{
	return getenv("BIDE_SEED") != NULL;
}

void test_note_schedule(void)
{
	uint64_t hash = test_schedule && test_seeded() ? test_schedule() : 0;

	if (!hash)
		return; /* no simulation is running */
	report->simulated = true;
	report->schedule = (report->schedule ^ hash) * 0x9e3779b97f4a7c15u;
}

/* ---- EXPECT_ABORT */

/* Each thread has at most one, and the test's process waits for it. */
static __thread struct {
	pid_t pid;
	int fd;
} abort_child;

static void save_coverage_and_die(int signal_number)
{
	signal(signal_number, SIG_DFL);
	save_coverage();
	raise(signal_number);
}

bool test_abort_begin(void)
{
	int ends[2];
	fflush(NULL);
	if (pipe(ends) != 0) {
		perror("EXPECT_ABORT: pipe");
		abort();
	}
	abort_child.pid = fork();
	if (abort_child.pid < 0) {
		perror("EXPECT_ABORT: fork");
		abort();
	}
	if (abort_child.pid == 0) {
		dup2(ends[1], STDERR_FILENO);
		close(ends[0]);
		close(ends[1]);
#ifdef BIDE_COVERAGE
		signal(SIGABRT, save_coverage_and_die);
#else
		(void)save_coverage_and_die;
#endif
		return true;
	}
	close(ends[1]);
	abort_child.fd = ends[0];
	return false;
}

void test_abort_missed(void)
{
	_exit(0);
}

static void read_all(int fd, char *text, size_t text_bytes)
{
	size_t used = 0;
	char rest[512];
	for (;;) {
		bool room = used + 1 < text_bytes;
		ssize_t got =
			read(fd, room ? text + used : rest, room ? text_bytes - 1 - used : sizeof rest);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		if (room)
			used += (size_t)got;
	}
	text[used] = '\0';
}

void test_abort_check(const char *statement, const char *text, const char *file, int line)
{
	char said[8192];
	int status = 0;
	read_all(abort_child.fd, said, sizeof said);
	close(abort_child.fd);
	while (waitpid(abort_child.pid, &status, 0) < 0 && errno == EINTR)
		;
	bool aborted = WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
	if (aborted && strstr(said, text))
		return;
	if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SKIPPED)
		_exit(EXIT_SKIPPED); /* the child was skipped and has left its reason */
	if (aborted)
		fprintf(stderr, "%s aborted, but did not say \"%s\"", statement, text);
	else if (WIFSIGNALED(status))
		fprintf(stderr, "%s did not abort, but ended by signal %d (%s)", statement,
		        WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		fprintf(stderr, "%s did not abort (exit status %d)", statement, WEXITSTATUS(status));
	fprintf(stderr, "; it said:\n%s\n", said[0] ? said : "(nothing)");
	_fail(file, line);
}

/* ---- the test's process */

static const int crash_signals[] = { SIGFPE, SIGILL, SIGSEGV, SIGBUS, SIGSYS };
enum { CRASH_SIGNAL_COUNT = sizeof crash_signals / sizeof crash_signals[0] };
static struct sigaction crash_actions[CRASH_SIGNAL_COUNT];

/* Marks the descriptors that are open now. Returns false if they cannot be listed. */
static bool list_fds(bool open_fds[FD_COUNT_MAX])
{
	DIR *folder = opendir("/proc/self/fd");
	if (!folder)
		return false;
	memset(open_fds, 0, FD_COUNT_MAX * sizeof open_fds[0]);
	for (struct dirent *entry; (entry = readdir(folder));) {
		long fd = strtol(entry->d_name, NULL, 10);
		if (entry->d_name[0] != '.' && fd != dirfd(folder) && fd < FD_COUNT_MAX)
			open_fds[fd] = true;
	}
	closedir(folder);
	return true;
}

/* Writes descriptors that were not open before into the report, as "5 -> socket:[77], ...". */
static bool find_leaked_fds(const bool before[FD_COUNT_MAX])
{
	static bool after[FD_COUNT_MAX];
	size_t used = 0;
	if (!list_fds(after))
		return false;
	for (int fd = 0; fd < FD_COUNT_MAX; fd++) {
		if (!after[fd] || before[fd])
			continue;
		char path[64], target[128];
		snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
		ssize_t length = readlink(path, target, sizeof target - 1);
		target[length > 0 ? length : 0] = '\0';
		int wrote = snprintf(report->leaked_fds + used, sizeof report->leaked_fds - used,
		                     "%s%d -> %s", used ? ", " : "", fd, target);
		used += wrote > 0 ? (size_t)wrote : 0;
		if (used >= sizeof report->leaked_fds)
			break;
	}
	return used > 0;
}

static void cmocka_run(void **state)
{
	static bool before[FD_COUNT_MAX];
	const struct test_case *test = *state;
	/* cmocka caught these signals. A crash must end the process and show its signal. */
	for (int i = 0; i < CRASH_SIGNAL_COUNT; i++)
		sigaction(crash_signals[i], &crash_actions[i], NULL);
	bool listed = list_fds(before);
	test->run();
	report->finished = true;
	test_note_schedule();
	test_after_each();
	fflush(NULL);
	if (listed && find_leaked_fds(before)) {
		fprintf(stderr, "left open: %s\n", report->leaked_fds);
		exit(EXIT_LEAKED_FD);
	}
}

/* nohup ignores SIGHUP, and a shell ignores SIGINT and SIGQUIT for commands in the background. */
static void stop_ignoring_signals(void)
{
	static const int numbers[] = { SIGHUP,  SIGINT,  SIGQUIT, SIGPIPE, SIGTERM,
		                           SIGUSR1, SIGUSR2, SIGALRM, SIGCHLD, SIGCONT };

	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
		signal(numbers[i], SIG_DFL);
}

_Noreturn static void run_in_child(struct test_case *test, int output_fd)
{
	setpgid(0, 0);
	stop_ignoring_signals();
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
	setenv("CMOCKA_TEST_ABORT", "1", 1);
	int nothing = open("/dev/null", O_RDONLY);
	if (nothing >= 0) {
		dup2(nothing, STDIN_FILENO);
		close(nothing);
	}
	dup2(output_fd, STDOUT_FILENO);
	dup2(output_fd, STDERR_FILENO);
	close(output_fd);
	setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
	rounds_end_s = now_s() + (test->limit_s / 4 < rounds_max_s ? test->limit_s / 4 : rounds_max_s);
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	for (int i = 0; i < CRASH_SIGNAL_COUNT; i++)
		sigaction(crash_signals[i], NULL, &crash_actions[i]);
	const struct CMUnitTest tests[] = {
		{ .name = test->name, .test_func = cmocka_run, .initial_state = test }
	};
	int failed = cmocka_run_group_tests_name(test->name, tests, NULL, NULL);
	exit(failed ? EXIT_FAILURE : EXIT_SUCCESS);
}

/* ---- the runner's process */

/*
 * The reasons to end a test. A busy machine must not make a test fail, so the limit counts CPU
 * time: on each CPU, because threads share it. A test that computes nearly nothing has hung, and is
 * ended sooner, under a slow tool as well. The last limit is for a test that neither computes much
 * nor sleeps.
 */
enum overtime { IN_TIME, TOO_MUCH_CPU, IDLE, TOO_LONG };
static const double idle_factor = 2, idle_max_s = 40, idle_part = 400, wall_factor = 10;

/* A tool makes a test slower, but only tests that say so may take longer than this on each CPU. */
static const double slow_limit_max_s = 60;

static double limit_of(const struct test_case *test)
{
	double limit_s = test->limit_s * test_time_factor();

	if (limit_s > slow_limit_max_s)
		limit_s = test->limit_s > slow_limit_max_s ? test->limit_s : slow_limit_max_s;
	return limit_s;
}

/* A test that computes less than a part of this time has hung. */
static double idle_s_of(double limit_s)
{
	return limit_s * idle_factor < idle_max_s ? limit_s * idle_factor : idle_max_s;
}

static double cpu_time_s(pid_t child)
{
	clockid_t clock;
	struct timespec used;

	if (clock_getcpuclockid(child, &clock) != 0 || clock_gettime(clock, &used) != 0)
		return 0;
	return (double)used.tv_sec + (double)used.tv_nsec * 1e-9;
}

/* Waits until the child has ended, and ends it when its time is over. */
static enum overtime wait_for_child(pid_t child, double limit_s, int *status)
{
	const struct timespec look = { 0, 100000000 };
	const double began_s = now_s(), cpu_count = (double)sysconf(_SC_NPROCESSORS_ONLN);
	const double idle_s = idle_s_of(limit_s);
	double looked_s = began_s, looked_cpu_s = 0;
	enum overtime overtime = IN_TIME;
	sigset_t child_signal;

	sigemptyset(&child_signal);
	sigaddset(&child_signal, SIGCHLD);
	while (overtime == IN_TIME) {
		if (waitpid(child, status, WNOHANG) == child)
			return IN_TIME;
		double time_s = now_s(), cpu_s = cpu_time_s(child);
		if (cpu_s > limit_s * cpu_count) {
			overtime = TOO_MUCH_CPU;
		} else if (time_s - began_s > limit_s * wall_factor) {
			overtime = TOO_LONG;
		} else if (time_s - looked_s > idle_s) {
			if (cpu_s - looked_cpu_s < idle_s / idle_part)
				overtime = IDLE;
			looked_s = time_s;
			looked_cpu_s = cpu_s;
		} else {
			sigtimedwait(&child_signal, NULL, &look);
		}
	}
	kill(-child, SIGKILL);
	kill(child, SIGKILL);
	while (waitpid(child, status, 0) < 0 && errno == EINTR)
		;
	return overtime;
}

/* Reads the end of the test's output, for the reason and for standard error. */
static void read_output(FILE *output, char *text, size_t text_bytes)
{
	fseek(output, 0, SEEK_END);
	long size = ftell(output);
	fseek(output, size > (long)text_bytes - 1 ? size - ((long)text_bytes - 1) : 0, SEEK_SET);
	text[fread(text, 1, text_bytes - 1, output)] = '\0';
}

/* Returns "file:line" of the failed assertion in the output of cmocka, or NULL. */
static const char *assertion_place(const char *output, char *place, size_t place_bytes)
{
	static const char mark[] = ": error: Failure!";
	const char *end = strstr(output, mark);
	if (!end)
		return NULL;
	const char *begin = end;
	while (begin > output && begin[-1] != '\n' && begin[-1] != ' ')
		begin--;
	snprintf(place, place_bytes, "%.*s", (int)(end - begin), begin);
	return place;
}

/* Writes the reason why the test failed in one line, or an empty one if it did not. */
static void judge(int status, enum overtime overtime, double limit_s, const char *output,
                  char *reason, size_t reason_bytes)
{
	char place[256];
	reason[0] = '\0';
	if (overtime == TOO_MUCH_CPU)
		snprintf(reason, reason_bytes, "timed out after %g s of CPU time on each CPU", limit_s);
	else if (overtime == IDLE)
		snprintf(reason, reason_bytes, "timed out: it hangs, and computed nothing for %g s",
		         idle_s_of(limit_s));
	else if (overtime == TOO_LONG)
		snprintf(reason, reason_bytes, "timed out after %g s", limit_s * wall_factor);
	else if (assertion_place(output, place, sizeof place) && status != 0)
		snprintf(reason, reason_bytes, "assertion failed at %s", place);
	else if (WIFSIGNALED(status))
		snprintf(reason, reason_bytes, "crashed by signal %d (%s)", WTERMSIG(status),
		         strsignal(WTERMSIG(status)));
	else if (report->leaked_fds[0])
		snprintf(reason, reason_bytes, "left open: descriptor %s", report->leaked_fds);
	else if (WEXITSTATUS(status) != 0)
		snprintf(reason, reason_bytes, "exit status %d", WEXITSTATUS(status));
	else if (!report->finished)
		snprintf(reason, reason_bytes, "ended before the test was over (exit status 0)");
}

static void print_output(const char *name, const char *output)
{
	size_t length = strlen(output);
	fprintf(stderr, "---- output of %s\n%s%s----\n", name, output,
	        length && output[length - 1] != '\n' ? "\n" : "");
}

/* Returns an empty file, which is the same one for all runs. */
static FILE *output_file(void)
{
	static FILE *output;

	if (!output && !(output = tmpfile())) {
		perror("tmpfile");
		exit(EXIT_FAILURE);
	}
	rewind(output);
	if (ftruncate(fileno(output), 0) != 0) {
		perror("ftruncate");
		exit(EXIT_FAILURE);
	}
	return output;
}

/* Runs the test once. Writes its output to `text`, and the reason if it failed or was skipped. */
static enum outcome run_once(struct test_case *test, char *text, size_t text_bytes, char *reason,
                             size_t reason_bytes)
{
	int status = 0;
	double limit_s = limit_of(test);
	FILE *output = output_file();

	memset(report, 0, sizeof *report);
	fflush(NULL);
	pid_t child = fork();
	if (child < 0) {
		perror("fork");
		exit(EXIT_FAILURE);
	}
	if (child == 0)
		run_in_child(test, fileno(output));
	setpgid(child, child);
	enum overtime overtime = wait_for_child(child, limit_s, &status);
	kill(-child, SIGKILL); /* ends processes that the test left behind */
	read_output(output, text, text_bytes);
	if (overtime == IN_TIME && WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SKIPPED) {
		snprintf(reason, reason_bytes, "%s",
		         report->skip_reason[0] ? report->skip_reason : "exit status 77");
		return SKIPPED;
	}
	judge(status, overtime, limit_s, text, reason, reason_bytes);
	if (overtime != IN_TIME)
		return TIMED_OUT;
	return reason[0] ? FAILED : PASSED;
}

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static unsigned long count_distinct(uint64_t *numbers, unsigned long count)
{
	unsigned long distinct = 0;

	qsort(numbers, count, sizeof *numbers, by_number);
	for (unsigned long i = 0; i < count; i++)
		distinct += i == 0 || numbers[i] != numbers[i - 1];
	return distinct;
}

/*
 * Runs the test with each seed until one fails. A test without a simulation runs once and is
 * skipped.
 */
static enum outcome run_seeds(struct test_case *test, const struct options *options,
                              struct counts *counts, char *text, size_t text_bytes, char *reason,
                              size_t reason_bytes)
{
	unsigned long runs = 0, schedules;
	uint64_t *hashes = calloc(options->last_seed - options->first_seed + 1, sizeof *hashes);
	enum outcome outcome = PASSED;
	char seed[32], what[512];

	if (!hashes) {
		perror("calloc");
		exit(EXIT_FAILURE);
	}
	for (unsigned long n = options->first_seed; outcome == PASSED && n <= options->last_seed; n++) {
		snprintf(seed, sizeof seed, "%lu", n);
		setenv("BIDE_SEED", seed, 1);
		outcome = run_once(test, text, text_bytes, what, sizeof what);
		if (outcome == PASSED && !report->simulated && n == options->first_seed) {
			snprintf(what, sizeof what, "it simulates nothing");
			outcome = SKIPPED;
		}
		if (outcome == FAILED || outcome == TIMED_OUT)
			snprintf(reason, reason_bytes, "seed %lu: %s", n, what);
		else if (outcome == SKIPPED)
			snprintf(reason, reason_bytes, "under seeds: %s", what);
		else
			hashes[runs++] = report->schedule;
	}
	unsetenv("BIDE_SEED");
	schedules = count_distinct(hashes, runs);
	free(hashes);
	counts->runs += runs;
	counts->schedules += schedules;
	if (options->verbose && runs)
		printf("%s: %lu runs, %lu schedules\n", test->name, runs, schedules);
	return outcome;
}

static void run_case(struct test_case *test, const struct options *options, struct counts *counts)
{
	static char output_text[64 * 1024];
	char reason[1024];
	double started = now_s();
	enum outcome outcome =
		options->last_seed ? run_seeds(test, options, counts, output_text, sizeof output_text,
	                                   reason, sizeof reason)
						   : run_once(test, output_text, sizeof output_text, reason, sizeof reason);

	if (outcome == SKIPPED) {
		counts->skipped++;
		printf("SKIPPED %s: %s\n", test->name, reason);
	} else if (outcome == FAILED || outcome == TIMED_OUT) {
		counts->failed++;
		counts->timed_out += outcome == TIMED_OUT;
		printf("FAILED %s: %s\n", test->name, reason);
		fflush(stdout);
		print_output(test->name, output_text);
	} else {
		counts->passed++;
		if (options->verbose)
			printf("passed %s (%.3f s)\n", test->name, now_s() - started);
	}
}

static bool selected(const struct test_case *test, const struct options *options)
{
	for (int i = 0; i < options->filter_count; i++)
		if (strstr(test->name, options->filters[i]))
			return true;
	return options->filter_count == 0;
}

static void usage(const char *program)
{
	fprintf(stderr,
	        "usage: %s [--list] [-v] [part of a test's name]...\n"
	        "  --list  print the names of the tests\n"
	        "  -v      print the tests that passed, with their time\n"
	        "BIDE_TEST_TIME_FACTOR multiplies the time limits.\n"
	        "BIDE_TEST_SEEDS=1..100 runs each test in a simulation, once for each seed.\n",
	        program);
}

/* Parses "FIRST..LAST"; text may be NULL. Returns false if it is something else. */
static bool parse_seeds(struct options *options, const char *text)
{
	char *end;

	if (!text)
		return true;
	options->first_seed = strtoul(text, &end, 10);
	if (end == text || strncmp(end, "..", 2) != 0)
		return false;
	text = end + 2;
	options->last_seed = strtoul(text, &end, 10);
	return end != text && *end == '\0' && options->first_seed > 0 &&
	       options->first_seed <= options->last_seed;
}

/* Moves the filters to the front of argv. Returns false for an unknown option. */
static bool parse(int argc, char **argv, struct options *options)
{
	options->filters = argv + 1;
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--list") == 0)
			options->list = true;
		else if (strcmp(argv[i], "-v") == 0)
			options->verbose = true;
		else if (argv[i][0] == '-')
			return false;
		else
			options->filters[options->filter_count++] = argv[i];
	}
	return parse_seeds(options, getenv("BIDE_TEST_SEEDS"));
}

int main(int argc, char **argv)
{
	struct options options = { 0 };
	struct counts counts = { 0 };
	const char *slash = strrchr(argv[0], '/');
	const char *program = slash ? slash + 1 : argv[0];
	if (!parse(argc, argv, &options)) {
		usage(program);
		return 2;
	}
	report = mmap(NULL, sizeof *report, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (report == MAP_FAILED) {
		perror("mmap");
		return EXIT_FAILURE;
	}
	/* Blocked, so that sigtimedwait receives the signal; the children unblock it. */
	sigset_t child_signal;
	sigemptyset(&child_signal);
	sigaddset(&child_signal, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child_signal, NULL);

	for (struct test_case *test = first_test; test; test = test->next) {
		if (!selected(test, &options))
			continue;
		if (options.list)
			puts(test->name);
		else
			run_case(test, &options, &counts);
		fflush(stdout);
		if (counts.timed_out == TIMED_OUT_MAX) {
			printf("%s: %d tests have timed out, so the rest is not run\n", program, TIMED_OUT_MAX);
			break;
		}
	}
	if (options.list)
		return EXIT_SUCCESS;
	if (!first_test) {
		printf("FAILED %s: holds no test\n", program);
		counts.failed++;
	}
	if (options.last_seed)
		printf("%s: seeds %lu..%lu: %lu runs, %lu distinct schedules\n", program,
		       options.first_seed, options.last_seed, counts.runs, counts.schedules);
	printf("%s: %d passed, %d failed, %d skipped\n", program, counts.passed, counts.failed,
	       counts.skipped);
	return counts.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
