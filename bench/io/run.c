/* The rows; see run.h. */
#include "run.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "load.h"
#include "server.h"

#define SETTLE_S 0.2

enum { NOTES_MAX = 256, SELF_LIMIT_S = 30, SPARE_DESCRIPTORS = 200 };

struct run_options options = { .rounds = 5, .seconds = 0.4, .results_path = BENCH_IO_RESULTS };
struct io_results results;

static char notes[NOTES_MAX][REASON_BYTES];
static int note_count;

void run_note(const char *format, ...)
{
	char text[REASON_BYTES];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	for (int i = 0; i < note_count; i++)
		if (strcmp(notes[i], text) == 0)
			return;
	if (note_count < NOTES_MAX)
		memcpy(notes[note_count++], text, sizeof text);
}

void run_progress(const char *row, const char *doing, const char *who)
{
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r\033[K%s%s%s%s%s", row, row[0] ? ": " : "", doing, who[0] ? ": " : "",
		        who);
}

/* ---- one participant of a row */

struct player {
	enum io_who who;
	bool playing;
	struct server server;
	struct load load;
};

static struct player players[IO_WHO_COUNT];

/* Which participants a row has: a program says itself what it does not offer. */
static bool takes_part(const struct io_row *row, enum io_who who)
{
	bool lines = strcmp(row->mode, "read_line") == 0, http = row->request_bytes == 0;

	if (who == IO_GETLINE || who == IO_FGETS)
		return lines;
	if (who == IO_NGINX)
		return http && row->kind == KIND_TURNS;
	if (who == IO_OPENSSL)
		return row->tls;
	return true;
}

static void give_up(struct player *player, const struct io_row *row, const char *reason)
{
	/* What a program does not have is no failure. */
	if (strcmp(reason, "not offered") != 0)
		run_note("%s: %s: %s", io_whos[player->who].label, row->name, reason);
	load_close(&player->load);
	server_stop(&player->server);
	player->playing = false;
}

/* A failure of the client is mostly one of the server. */
static void give_up_load(struct player *player, const struct io_row *row)
{
	char reason[REASON_BYTES], why[REASON_BYTES] = "";

	snprintf(reason, sizeof reason, "%.200s", player->load.reason);
	if (server_memory(&player->server) <= 0)
		server_why(&player->server, why);
	snprintf(player->load.reason, sizeof player->load.reason, "%.200s%s%.200s", reason,
	         why[0] ? "; it " : "", why);
	snprintf(reason, sizeof reason, "%s", player->load.reason);
	give_up(player, row, reason);
}

static bool begin(struct player *player, const struct io_row *row, bool count)
{
	struct server_options server_options = {
		.peers = options.peers,
		.cpu = row->workers == 1 ? options.cpu : -1,
		.count = count,
		.http = options.http,
		.tls = options.tls,
	};
	char reason[REASON_BYTES] = "";

	memset(&player->server, 0, sizeof player->server);
	player->load.count = 0;
	player->playing = server_start(&player->server, row, player->who, &server_options, reason);
	if (!player->playing) {
		give_up(player, row, reason);
		return false;
	}
	if (row->kind == KIND_SELF)
		return true;
	if (!load_open(&player->load, row, &player->server,
	               row->kind == KIND_IDLE ? row->active : row->connections))
		give_up_load(player, row);
	return player->playing;
}

static void end(struct player *player)
{
	load_close(&player->load);
	server_stop(&player->server);
	player->playing = false;
}

/* ---- measuring */

static bool client_place(const struct io_row *row, bool in)
{
	bool alone = row->workers == 1 && row->kind != KIND_SELF;

	server_pin(in && alone ? options.cpu : -1);
	return !options.priority || load_priority(in && row->kind != KIND_SELF);
}

static bool measure_one(struct player *player, const struct io_row *row, double seconds,
                        struct measure *measure)
{
	char reason[REASON_BYTES] = "";
	bool good;

	if (row->kind == KIND_SELF) {
		if (server_ask(&player->server, SELF_LIMIT_S, &measure->value, reason))
			return true;
		give_up(player, row, reason);
		return false;
	}
	/*
	 * A server that computes takes a CPU from the others, so it rests while these are measured.
	 * Then it goes on for a while before it is measured.
	 */
	if (row->kind == KIND_LATENCY)
		server_rest(&player->server, false);
	client_place(row, true);
	good = (row->kind != KIND_LATENCY || load_measure(&player->load, SETTLE_S, measure)) &&
	       load_measure(&player->load, seconds, measure);
	client_place(row, false);
	if (row->kind == KIND_LATENCY)
		server_rest(&player->server, true);
	if (!good)
		give_up_load(player, row);
	return good;
}

static double seconds_of(const struct io_row *row)
{
	if (row->kind == KIND_TRICKLE || row->kind == KIND_WAKES || row->kind == KIND_LATENCY)
		return options.seconds * 2;
	return options.seconds;
}

static void measure_round(struct player *player, int index)
{
	const struct io_row *row = &io_rows[index];
	struct cell *cell = &results.cells[index][player->who];
	int64_t user[2], system[2];
	struct measure measure;

	server_ticks(&player->server, &user[0], &system[0]);
	if (!measure_one(player, row, seconds_of(row), &measure))
		return;
	server_ticks(&player->server, &user[1], &system[1]);
	cell->user += user[1] - user[0];
	cell->system += system[1] - system[0];
	cell->values[cell->count++] = measure.value;
}

/* Before the first round: .NET compiles what is hot in tiers, others touch their memory. */
static void warm_up(struct player *player, const struct io_row *row)
{
	struct measure measure;
	double seconds = options.quick ? 0.1 : 0.2;

	if (player->who == IO_DOTNET)
		seconds = options.quick ? 1 : 2;
	if (row->kind != KIND_SELF || player->who == IO_DOTNET)
		(void)measure_one(player, row, seconds, &measure);
}

/* The same once more in a process of its own, with counters. */
static void count_row(struct player *player, int index)
{
	const struct io_row *row = &io_rows[index];
	struct cell *cell = &results.cells[index][player->who];
	struct measure measure;
	int64_t allocations, calls;

	if (row->kind != KIND_TURNS && row->kind != KIND_ACCEPT && row->kind != KIND_TRICKLE)
		return;
	run_progress(row->name, "counting", io_whos[player->who].label);
	if (!begin(player, row, true) || !measure_one(player, row, 0.2, &measure))
		return;
	allocations = server_allocations(&player->server);
	calls = server_calls(&player->server);
	if (!measure_one(player, row, row->kind == KIND_TRICKLE ? 1 : 0.2, &measure))
		return;
	if (allocations >= 0)
		cell->allocations =
			(double)(server_allocations(&player->server) - allocations) / (double)measure.requests;
	if (calls >= 0)
		cell->calls = (double)(server_calls(&player->server) - calls) / (double)measure.requests;
	end(player);
}

/* Idle connections: a fresh server for each round, because memory is given back late or never. */
static void idle_round(struct player *player, int index)
{
	const struct io_row *row = &io_rows[index];
	struct cell *cell = &results.cells[index][player->who];
	int count = row->connections;
	struct rlimit limit;
	int64_t before;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < (rlim_t)count + SPARE_DESCRIPTORS)
		count = (int)limit.rlim_cur - SPARE_DESCRIPTORS;
	if (count < row->connections)
		run_note("%s: %d connections: the limit of descriptors is %d", row->name, count,
		         (int)limit.rlim_cur);
	if (!begin(player, row, false))
		return;
	if (!load_grow(&player->load, 2 * row->active)) {
		give_up_load(player, row);
		return;
	}
	before = server_memory(&player->server);
	if (!load_grow(&player->load, count)) {
		give_up_load(player, row);
		return;
	}
	cell->values[cell->count++] =
		(double)(server_memory(&player->server) - before) / (double)(count - 2 * row->active);
	end(player);
}

static void run_idle(int index)
{
	for (int round = 0; round < (options.rounds + 1) / 2; round++)
		for (int who = 0; who < IO_WHO_COUNT; who++) {
			players[who].who = (enum io_who)who;
			if (!takes_part(&io_rows[index], (enum io_who)who) ||
			    results.cells[index][who].count < round)
				continue;
			run_progress(io_rows[index].name, "measuring", io_whos[who].label);
			idle_round(&players[who], index);
		}
}

void run_row(int index)
{
	const struct io_row *row = &io_rows[index];

	if (row->tls && !options.has_tls) {
		run_note("%s: it needs OpenSSL 3 (Debian: libssl-dev)", row->name);
		return;
	}
	if (row->kind == KIND_IDLE) {
		run_idle(index);
		return;
	}
	for (int who = 0; who < IO_WHO_COUNT; who++) {
		players[who].who = (enum io_who)who;
		players[who].playing = false;
		if (!takes_part(row, (enum io_who)who))
			continue;
		run_progress(row->name, "starting", io_whos[who].label);
		if (begin(&players[who], row, false))
			warm_up(&players[who], row);
	}
	for (int round = 0; round < options.rounds; round++)
		for (int turn = 0; turn < IO_WHO_COUNT; turn++) {
			struct player *player = &players[(turn + round) % IO_WHO_COUNT];

			if (!player->playing)
				continue;
			run_progress(row->name, "measuring", io_whos[player->who].label);
			measure_round(player, index);
		}
	for (int who = 0; who < IO_WHO_COUNT; who++) {
		bool played = players[who].playing;

		end(&players[who]);
		if (played)
			count_row(&players[who], index);
	}
}

void run_print_notes(void)
{
	for (int i = 0; i < note_count; i++)
		printf("%s%s\n", i == 0 ? "\nNotes:\n  " : "  ", notes[i]);
}
