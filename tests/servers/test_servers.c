/*
 * The servers of examples/, run as programs: what they answer, and that a signal stops them.
 *
 * The test is an ordinary client with blocking sockets, which knows nothing of bide.
 */
/* threads */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/test.h"

/* --- a program --- */

typedef struct program {
	pid_t pid;
	FILE *out;
	unsigned port;
} program;

static void start(program *p, const char *name, const char *const *arguments)
{
	const char *line[8] = { 0 };
	char path[512];
	int ends[2];
	size_t count = 1;

	snprintf(path, sizeof path, EXAMPLES "/%s", name);
	if (access(path, X_OK) != 0)
		SKIP("%s is not built", name);
	line[0] = path;
	for (; *arguments; arguments++)
		line[count++] = *arguments;
	assert_int_equal(pipe(ends), 0);
	p->pid = fork();
	assert_true(p->pid >= 0);
	if (p->pid == 0) {
		dup2(ends[1], 1);
		close(ends[0]);
		close(ends[1]);
		execv(path, (char *const *)(uintptr_t)line);
		_exit(127);
	}
	close(ends[1]);
	p->out = fdopen(ends[0], "r");
	assert_non_null(p->out);
}

static void start_server(program *p, const char *name)
{
	static const char *const arguments[] = { "127.0.0.1", "0", NULL };
	char line[256];

	start(p, name, arguments);
	assert_non_null(fgets(line, sizeof line, p->out));
	if (sscanf(line, "listening on 127.0.0.1:%u", &p->port) != 1)
		fail_msg("%s said: %s", name, line);
}

/* Returns the exit status. */
static int end_of(program *p)
{
	int status;

	assert_int_equal(waitpid(p->pid, &status, 0), p->pid);
	fclose(p->out);
	if (!WIFEXITED(status))
		fail_msg("ended by signal %d", WTERMSIG(status));
	return WEXITSTATUS(status);
}

static void stop(program *p)
{
	assert_int_equal(kill(p->pid, SIGTERM), 0);
	assert_int_equal(end_of(p), 0);
}

/* --- a client --- */

static int connect_to(unsigned port)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		                      .sin_port = htons((uint16_t)port),
		                      .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
	return fd;
}

static void say(int fd, const char *text)
{
	size_t size = strlen(text);

	assert_int_equal(send(fd, text, size, MSG_NOSIGNAL), (ssize_t)size);
}

/* The server says this next. */
static void hear(int fd, const char *text)
{
	char got[4096];
	size_t size = strlen(text);

	assert_true(size < sizeof got);
	assert_int_equal(recv(fd, got, size, MSG_WAITALL), (ssize_t)size);
	got[size] = '\0';
	assert_string_equal(got, text);
}

static void hear_the_end(int fd)
{
	char byte;

	assert_int_equal(recv(fd, &byte, 1, 0), 0);
}

/* --- echo_server --- */

TEST(the_echo_server_sends_back_what_it_gets)
{
	static char sent[1 << 20], got[1 << 20];
	program p;
	int fd;
	pid_t writer;

	for (size_t i = 0; i < sizeof sent; i++)
		sent[i] = (char)(i * 7 + i / 251);
	start_server(&p, "echo_server");
	fd = connect_to(p.port);
	writer = fork();
	assert_true(writer >= 0);
	if (writer == 0) {
		for (size_t at = 0; at < sizeof sent;) {
			ssize_t count = send(fd, sent + at, sizeof sent - at, MSG_NOSIGNAL);

			if (count <= 0)
				_exit(1);
			at += (size_t)count;
		}
		shutdown(fd, SHUT_WR);
		_exit(0);
	}
	assert_int_equal(recv(fd, got, sizeof got, MSG_WAITALL), sizeof got);
	assert_memory_equal(got, sent, sizeof got);
	hear_the_end(fd);
	close(fd);
	assert_int_equal(waitpid(writer, NULL, 0), writer);
	stop(&p);
}

TEST(the_echo_server_lets_a_client_go_on_after_the_signal_and_then_ends_it)
{
	program p;
	int fd;

	start_server(&p, "echo_server");
	fd = connect_to(p.port);
	say(fd, "one");
	hear(fd, "one");
	kill(p.pid, SIGTERM);
	say(fd, "two");
	hear(fd, "two");
	shutdown(fd, SHUT_WR);
	hear_the_end(fd);
	close(fd);
	assert_int_equal(end_of(&p), 0);
}

/* --- line_server --- */

TEST(the_line_server_answers_each_line)
{
	program p;
	int fd;

	start_server(&p, "line_server");
	fd = connect_to(p.port);
	hear(fd, "hello\n");
	say(fd, "add 2 3\r\nadd 40 2\n");
	hear(fd, "5\n42\n");
	say(fd, "sub 1 1\nquit\n");
	hear(fd, "what? add A B, or quit\n");
	hear_the_end(fd);
	close(fd);
	stop(&p);
}

TEST(the_line_server_refuses_a_line_that_is_too_long)
{
	static char garbage[100000];
	program p;
	int fd;

	memset(garbage, 'x', sizeof garbage);
	start_server(&p, "line_server");
	fd = connect_to(p.port);
	hear(fd, "hello\n");
	(void)send(fd, garbage, sizeof garbage, MSG_NOSIGNAL);
	hear(fd, "that line is too long\n");
	close(fd);
	fd = connect_to(p.port);
	hear(fd, "hello\n");
	close(fd);
	stop(&p);
}

/* --- chat_server --- */

TEST(the_chat_server_tells_each_member_what_the_others_write)
{
	program p;
	int one, two;

	start_server(&p, "chat_server");
	one = connect_to(p.port);
	two = connect_to(p.port);
	hear(one, "2: is here\n");
	say(two, "good morning\n");
	hear(one, "2: good morning\n");
	say(one, "hello\nand goodbye\n");
	hear(two, "1: hello\n1: and goodbye\n");
	shutdown(one, SHUT_WR);
	hear_the_end(one);
	hear(two, "1: has left\n");
	close(one);
	close(two);
	stop(&p);
}

TEST(the_chat_server_throws_out_a_member_that_does_not_read)
{
	static char line[4001];
	program p;
	int writer, reader, deaf, small = 4096;
	char *got = malloc(sizeof line + 3);

	assert_non_null(got);
	memset(line, 'x', sizeof line - 1);
	line[sizeof line - 1] = '\n';
	start_server(&p, "chat_server");
	writer = connect_to(p.port);
	deaf = connect_to(p.port);
	setsockopt(deaf, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
	hear(writer, "2: is here\n");
	reader = connect_to(p.port);
	hear(writer, "3: is here\n");
	/* The sockets' buffers hold some megabytes at most. */
	for (int i = 0; i < 10000; i++) {
		char first[20];

		assert_int_equal(send(writer, line, sizeof line, MSG_NOSIGNAL), sizeof line);
		assert_int_equal(recv(reader, got, 3, MSG_WAITALL), 3);
		if (memcmp(got, "1: ", 3) != 0) {
			/* "2: has left" came before this line. */
			assert_memory_equal(got, "2: ", 3);
			assert_int_equal(recv(reader, first, 9, MSG_WAITALL), 9);
			assert_memory_equal(first, "has left\n", 9);
			break;
		}
		assert_int_equal(recv(reader, got, sizeof line, MSG_WAITALL), sizeof line);
		assert_true(i < 9999);
	}
	free(got);
	close(writer);
	close(deaf);
	close(reader);
	stop(&p);
}

/* --- port_scanner --- */

TEST(the_port_scanner_finds_the_port_that_listens)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t size = sizeof at;
	int listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char port[16], line[64], expected[64];
	program p;

	assert_int_equal(bind(listening, (struct sockaddr *)&at, sizeof at), 0);
	assert_int_equal(listen(listening, 8), 0);
	assert_int_equal(getsockname(listening, (struct sockaddr *)&at, &size), 0);
	snprintf(port, sizeof port, "%u", (unsigned)ntohs(at.sin_port));
	snprintf(expected, sizeof expected, "%s is open\n", port);
	start(&p, "port_scanner", (const char *const[]){ "127.0.0.1", port, port, NULL });
	assert_non_null(fgets(line, sizeof line, p.out));
	assert_string_equal(line, expected);
	assert_int_equal(end_of(&p), 0);
	close(listening);
	start(&p, "port_scanner", (const char *const[]){ "127.0.0.1", port, port, NULL });
	assert_non_null(fgets(line, sizeof line, p.out));
	assert_string_equal(line, "0 of 1 are open\n");
	assert_int_equal(end_of(&p), 0);
}
