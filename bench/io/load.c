/* The client; see load.h. */
#include "load.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	TURN_LIMIT_S = 5,
	FIRST_PAUSE_NS = 200 * 1000,
	LEAST_PAUSE_NS = 50 * 1000,
	MOST_PAUSE_NS = 20 * 1000 * 1000,
	TRICKLE_NS = 10 * 1000 * 1000,
	LATENCY_RATE = 2000, /* requests a second */
	SAMPLES_MAX = 200 * 1000,
	TURN_MAX = 128,
};

bool load_priority(bool high)
{
	struct sched_param parameter = { .sched_priority = high ? 1 : 0 };

	return sched_setscheduler(0, high ? SCHED_FIFO : SCHED_OTHER, &parameter) == 0;
}

static void pause_for(int64_t pause_ns)
{
	struct timespec pause = { .tv_sec = pause_ns / 1000000000, .tv_nsec = pause_ns % 1000000000 };

	nanosleep(&pause, NULL);
}

static bool failed(struct load *load, const char *doing)
{
	snprintf(load->reason, sizeof load->reason, "%s: %s", doing, strerror(errno));
	return false;
}

/* ---- connections */

static bool connect_to(const struct load *load, struct wire *wire)
{
	int type = strcmp(load->row->mode, "udp") == 0 ? SOCK_DGRAM : SOCK_STREAM;

	return wire_open(wire, type, load->server->port, load->row->tls);
}

/* Learns the length of an answer of HTTP from its head. */
static bool learn_answer(struct load *load)
{
	char text[65536 + 1];
	size_t used = 0;

	if (wire_send(&load->wires[0], load->request, (size_t)load->request_bytes) < 0)
		return failed(load, "send");
	while (used < sizeof text - 1) {
		const char *end, *length;
		ssize_t got;

		if (!wire_wait(&load->wires[0], TURN_LIMIT_S))
			return failed(load, "the first answer");
		got = wire_receive(&load->wires[0], text + used, sizeof text - 1 - used);
		if (got < 0 && errno == EAGAIN)
			continue;
		if (got <= 0)
			return failed(load, "the first answer");
		used += (size_t)got;
		text[used] = '\0';
		end = strstr(text, "\r\n\r\n");
		length = strcasestr(text, "\r\nContent-Length:");
		if (end == NULL || length == NULL || strncmp(text, "HTTP/1.1 200", 12) != 0)
			continue;
		load->answer_bytes = (int)(end + 4 - text) + atoi(length + strlen("\r\nContent-Length:"));
		if (used >= (size_t)load->answer_bytes)
			return true;
	}
	snprintf(load->reason, sizeof load->reason, "the first answer is not understood");
	return false;
}

static bool prepare_request(struct load *load)
{
	static const char get[] = "GET /1k.html HTTP/1.1\r\nHost: 127.0.0.1\r\n"
							  "User-Agent: bench\r\nAccept: */*\r\n\r\n";
	const struct io_row *row = load->row;
	bool http = row->request_bytes == 0;

	load->request_bytes = http ? (int)sizeof get - 1 : row->request_bytes;
	load->answer_bytes = row->answer_bytes;
	load->request = malloc((size_t)load->request_bytes + 1);
	if (load->request == NULL)
		return failed(load, "memory");
	if (http) {
		memcpy(load->request, get, sizeof get);
		return true;
	}
	for (int i = 0; i < load->request_bytes; i++)
		load->request[i] = (char)(i % 64 == 63 ? '\n' : 'a' + i % 23);
	return true;
}

static bool add_connections(struct load *load, int count)
{
	for (; load->count < count; load->count++) {
		if (!connect_to(load, &load->wires[load->count]))
			return failed(load, "connect");
		load->order[load->count] = load->count;
		if (load->count % 100 == 99)
			pause_for(2000000); /* the server accepts */
	}
	for (int i = load->count - 1; i > 0; i--) {
		int other = rand() % (i + 1), kept = load->order[i];

		load->order[i] = load->order[other];
		load->order[other] = kept;
	}
	return true;
}

bool load_open(struct load *load, const struct io_row *row, struct server *server, int count)
{
	memset(load, 0, sizeof *load);
	load->row = row;
	load->server = server;
	load->pause_ns = FIRST_PAUSE_NS;
	srand(1);
	if (!prepare_request(load) || !add_connections(load, count))
		return false;
	return row->request_bytes > 0 || learn_answer(load);
}

void load_close(struct load *load)
{
	for (int i = 0; i < load->count; i++)
		wire_close(&load->wires[i]);
	load->count = 0;
	free(load->request);
	load->request = NULL;
}

/* ---- turns */

struct exchange {
	struct wire *wire;
	int to_send, to_receive;
};

/* Goes on with an exchange. Returns 0 if it is over, 1 if it has to wait, -1 with a reason. */
static int go_on(struct load *load, struct exchange *exchange)
{
	static char answers[65536];

	while (exchange->to_send > 0) {
		const char *from = load->request + load->request_bytes - exchange->to_send;
		ssize_t sent = wire_send(exchange->wire, from, (size_t)exchange->to_send);

		if (sent < 0 && errno == EAGAIN)
			return 1;
		if (sent < 0)
			return failed(load, "send"), -1;
		exchange->to_send -= (int)sent;
	}
	while (exchange->to_receive > 0) {
		size_t want = (size_t)exchange->to_receive < sizeof answers ? (size_t)exchange->to_receive
		                                                            : sizeof answers;
		ssize_t got = wire_receive(exchange->wire, answers, want);

		if (got < 0 && errno == EAGAIN)
			return 1;
		if (got <= 0) {
			errno = got == 0 ? ECONNRESET : errno;
			return failed(load, "receive"), -1;
		}
		exchange->to_receive -= (int)got;
	}
	return 0;
}

static void adapt(struct load *load, int looks)
{
	if (looks > 1)
		load->pause_ns += load->pause_ns / 8;
	else
		load->pause_ns -= load->pause_ns / 64;
	if (load->pause_ns < LEAST_PAUSE_NS)
		load->pause_ns = LEAST_PAUSE_NS;
	if (load->pause_ns > MOST_PAUSE_NS)
		load->pause_ns = MOST_PAUSE_NS;
}

/* Sends what it can of all, then sleeps and looks until all are answered. */
static bool exchange_all(struct load *load, struct exchange *exchanges, int count)
{
	int64_t until = process_now_ns() + (int64_t)TURN_LIMIT_S * 1000000000;
	int64_t pause_ns = load->pause_ns;
	int left = count, looks = 0;

	for (int i = 0; i < count; i++)
		if (go_on(load, &exchanges[i]) < 0)
			return false;
	while (left > 0) {
		int kept = 0;

		/* Each look takes the CPU from the server, so there must not be many. */
		pause_for(pause_ns);
		pause_ns = looks++ == 0 ? load->pause_ns / 2 : pause_ns * 2;
		for (int i = 0; i < left; i++) {
			int state = go_on(load, &exchanges[i]);

			if (state < 0)
				return false;
			if (state > 0)
				exchanges[kept++] = exchanges[i];
		}
		left = kept;
		if (left > 0 && process_now_ns() > until) {
			errno = ETIMEDOUT;
			return failed(load, "an answer");
		}
	}
	adapt(load, looks);
	return true;
}

static bool turn(struct load *load, int active)
{
	struct exchange exchanges[TURN_MAX];

	for (int i = 0; i < active; i++) {
		int index = load->order[load->next++ % load->count];

		exchanges[i] =
			(struct exchange){ &load->wires[index], load->request_bytes, load->answer_bytes };
	}
	return exchange_all(load, exchanges, active);
}

/* A turn in which each connection is new and closed again. */
static bool accept_turn(struct load *load, int active)
{
	struct exchange exchanges[TURN_MAX];
	struct wire wires[TURN_MAX];
	int count = 0;
	bool good = true;

	for (; count < active && good; count++) {
		if (!connect_to(load, &wires[count])) {
			good = failed(load, "connect");
			break;
		}
		exchanges[count] =
			(struct exchange){ &wires[count], load->request_bytes, load->answer_bytes };
	}
	good = good && exchange_all(load, exchanges, count);
	for (int i = 0; i < count; i++)
		wire_close(&wires[i]);
	return good;
}

bool load_grow(struct load *load, int count)
{
	int had = load->count;

	if (!add_connections(load, count))
		return false;
	for (int i = had; i < count; i += TURN_MAX / 2) {
		struct exchange exchanges[TURN_MAX];
		int some = count - i < TURN_MAX / 2 ? count - i : TURN_MAX / 2;

		for (int j = 0; j < some; j++)
			exchanges[j] =
				(struct exchange){ &load->wires[i + j], load->request_bytes, load->answer_bytes };
		if (!exchange_all(load, exchanges, some))
			return false;
	}
	return true;
}

static bool measure_turns(struct load *load, double seconds, struct measure *measure)
{
	bool (*one)(struct load *, int) = load->row->kind == KIND_ACCEPT ? accept_turn : turn;
	int64_t until = process_now_ns() + (int64_t)(seconds * 1e9);
	int64_t before = server_cpu_ns(load->server);

	while (process_now_ns() < until) {
		if (!one(load, load->row->active))
			return false;
		measure->requests += load->row->active;
	}
	pause_for(load->pause_ns); /* the ends of the connections of an accept */
	measure->requests *= load->row->lines;
	measure->cpu_ns = server_cpu_ns(load->server) - before;
	measure->value = (double)measure->cpu_ns / (double)measure->requests / 1e3;
	return true;
}

/* ---- the other kinds */

static double samples[SAMPLES_MAX];

static int by_value(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;

	return (a > b) - (a < b);
}

static double percentile(int count, double share)
{
	qsort(samples, (size_t)count, sizeof *samples, by_value);
	return samples[(int)((count - 1) * share)];
}

/* In the clear. */
static bool ask_once(struct load *load)
{
	struct timeval limit = { .tv_sec = TURN_LIMIT_S };
	struct exchange exchange = { &load->wires[0], load->request_bytes, load->answer_bytes };
	char text[4096];

	if (go_on(load, &exchange) < 0)
		return false;
	setsockopt(load->wires[0].fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	while (exchange.to_receive > 0) {
		ssize_t got = recv(load->wires[0].fd, text, sizeof text, 0);

		if (got <= 0)
			return failed(load, "an answer");
		exchange.to_receive -= (int)got;
	}
	return true;
}

static bool measure_ping(struct load *load, double seconds, struct measure *measure)
{
	int64_t until = process_now_ns() + (int64_t)(seconds * 1e9), now;
	int64_t before = server_cpu_ns(load->server);
	int count = 0;

	while ((now = process_now_ns()) < until && count < SAMPLES_MAX) {
		if (!ask_once(load))
			return false;
		samples[count++] = (double)(process_now_ns() - now) / 1e3;
	}
	measure->requests = count;
	measure->cpu_ns = server_cpu_ns(load->server) - before;
	measure->value = percentile(count, 0.5);
	return true;
}

static bool measure_trickle(struct load *load, double seconds, struct measure *measure)
{
	int64_t until = process_now_ns() + (int64_t)(seconds * 1e9);
	int64_t cpu = server_cpu_ns(load->server), sleeps = server_sleeps(load->server);

	for (; process_now_ns() < until; measure->requests++) {
		pause_for(TRICKLE_NS);
		if (!ask_once(load))
			return false;
	}
	pause_for(TRICKLE_NS / 2);
	measure->cpu_ns = server_cpu_ns(load->server) - cpu;
	if (load->row->kind == KIND_WAKES)
		measure->value = (double)(server_sleeps(load->server) - sleeps) / (double)measure->requests;
	else
		measure->value = (double)measure->cpu_ns / (double)measure->requests / 1e3;
	return true;
}

/*
 * Requests at fixed times, each on the connection that waits longest. A latency counts from the
 * time at which the request was due.
 */
static int take_answers(struct load *load, int poller, int64_t *due, int *count)
{
	struct epoll_event events[TURN_MAX];
	char text[4096];
	int ready = epoll_wait(poller, events, TURN_MAX, 0), answered = 0;

	for (int i = 0; i < ready; i++) {
		int index = (int)events[i].data.u32;

		if (recv(load->wires[index].fd, text, sizeof text, MSG_DONTWAIT) <= 0)
			return -1;
		if (due[index] != 0 && *count < SAMPLES_MAX)
			samples[(*count)++] = (double)(process_now_ns() - due[index]) / 1e3;
		due[index] = 0;
		answered++;
	}
	return answered;
}

static bool measure_latency(struct load *load, double seconds, struct measure *measure)
{
	static int64_t due[LOAD_CONNECTIONS_MAX];
	const int64_t step = 1000000000 / LATENCY_RATE;
	int poller = epoll_create1(EPOLL_CLOEXEC), count = 0;
	int64_t start = process_now_ns(), until = start + (int64_t)(seconds * 1e9), next = start;
	bool good = true;

	for (int i = 0; i < load->count; i++) {
		struct epoll_event event = { .events = EPOLLIN, .data.u32 = (uint32_t)i };

		due[i] = 0;
		epoll_ctl(poller, EPOLL_CTL_ADD, load->wires[i].fd, &event);
	}
	for (int turn_number = 0; good && process_now_ns() < until + step * 200;) {
		int64_t now = process_now_ns();
		struct timespec pause = { .tv_nsec = 20000 };

		for (; next <= now && next < until; next += step) {
			int index = turn_number++ % load->count;

			if (due[index] != 0)
				continue; /* its last one is late, and counted */
			due[index] = next;
			good = send(load->wires[index].fd, load->request, (size_t)load->request_bytes,
			            MSG_NOSIGNAL) > 0;
		}
		good = good && take_answers(load, poller, due, &count) >= 0;
		nanosleep(&pause, NULL);
	}
	close(poller);
	if (good && count == 0)
		errno = ETIMEDOUT;
	if (!good || count == 0)
		return failed(load, "an answer");
	measure->requests = count;
	measure->value = percentile(count, 0.99);
	return true;
}

bool load_measure(struct load *load, double seconds, struct measure *measure)
{
	memset(measure, 0, sizeof *measure);
	switch (load->row->kind) {
	case KIND_TURNS:
	case KIND_ACCEPT:
		return measure_turns(load, seconds, measure);
	case KIND_PING:
		return measure_ping(load, seconds, measure);
	case KIND_TRICKLE:
	case KIND_WAKES:
		return measure_trickle(load, seconds, measure);
	case KIND_LATENCY:
		return measure_latency(load, seconds, measure);
	case KIND_IDLE:
	case KIND_SELF:
		break;
	}
	return false;
}
