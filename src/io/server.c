/*
 * server.c - the account that bide_serve keeps of its clients. serve.h has the words.
 */
#include <errno.h>

#include "base/assert.h"
#include "base/clock.h"
#include "base/misuse.h"
#include "base/port.h"
#include "base/settings.h"
#include "base/spin.h"
#include "base/text.h"
#include "base/thread.h"
#include "io/serve.h"
#include "tasks/task_make.h"

static void lock(bide_server *server)
{
	if (bide_shared_)
		bide_spin_lock_(&server->lock);
}

static void unlock(bide_server *server)
{
	if (bide_shared_)
		bide_spin_unlock_(&server->lock);
}

/* --- the begin and the end --- */

/*
 * A context that sees the values and the executor above it, but not the cancellation: the clients
 * go on for a while after their server was canceled.
 */
static bide_context *sheltered_context(void)
{
	bide_thread_head *head = bide_thread_();
	bide_context *context;
	uintptr_t saved;

	if (!head)
		return NULL;
	saved = head->current->context;
	head->current->context = saved | BIDE_CONTEXT_MASKED_;
	context = bide_context_create(NULL);
	head->current->context = saved;
	return context;
}

bool bide_server_begin_(bide_server *server, bide_serve_function *function, void *argument,
                        const bide_serve_options *options)
{
	server->function = function;
	server->argument = argument;
	server->options = *options;
	server->clients = sheltered_context();
	server->over = bide_task_create_own_();
	if (server->clients && server->over)
		return true;
	bide_server_end_(server);
	return false;
}

void bide_server_end_(bide_server *server)
{
	BIDE_ASSERT_(server->count == 0 && !server->first && !server->room);
	bide_context_unref(server->clients);
	bide_task_unref(server->over);
	server->clients = NULL;
	server->over = NULL;
}

/* --- how many clients there are --- */

bool bide_server_is_full_(bide_server *server, bide_task **room)
{
	bide_task *made;
	bool is_full;

	*room = NULL;
	if (BIDE_LOAD(&server->count, RELAXED) < server->options.limit)
		return false; /* only this caller makes it larger */
	made = bide_task_create_own_();
	lock(server);
	is_full = server->count >= server->options.limit;
	if (is_full && made)
		server->room = bide_task_ref(made);
	unlock(server);
	if (is_full)
		*room = made;
	else
		bide_task_unref(made);
	return is_full;
}

void bide_server_room_drop_(bide_server *server, bide_task *room)
{
	bide_task *unused;

	lock(server);
	unused = server->room;
	server->room = NULL;
	unlock(server);
	bide_task_unref(unused);
	bide_task_unref(room);
}

void bide_server_come_(bide_server *server)
{
	lock(server);
	BIDE_STORE(&server->count, server->count + 1, RELAXED);
	unlock(server);
}

void bide_server_gone_(bide_server *server)
{
	bide_task *room, *over = NULL;

	lock(server);
	BIDE_ASSERT_(server->count > 0);
	BIDE_STORE(&server->count, server->count - 1, RELAXED);
	room = server->room;
	server->room = NULL;
	if (server->count == 0 && server->has_stopped)
		over = bide_task_ref(server->over);
	unlock(server);
	/* The server may be gone from here on. */
	if (room)
		bide_task_complete_int(room, 0);
	bide_task_unref(room);
	if (over)
		bide_task_complete_int(over, 0);
	bide_task_unref(over);
}

bool bide_server_stop_(bide_server *server)
{
	bool are_left;

	lock(server);
	server->has_stopped = true;
	are_left = server->count > 0;
	unlock(server);
	return are_left;
}

/* --- which clients there are --- */

void bide_server_enter_(bide_server *server, bide_serve_entry *entry)
{
	lock(server);
	entry->previous = NULL;
	entry->next = server->first;
	if (entry->next)
		entry->next->previous = entry;
	server->first = entry;
	unlock(server);
}

bool bide_server_leave_(bide_server *server, bide_serve_entry *entry)
{
	bool leaves;

	lock(server);
	leaves = !entry->is_pinned;
	if (leaves) {
		*(entry->previous ? &entry->previous->next : &server->first) = entry->next;
		if (entry->next)
			entry->next->previous = entry->previous;
	}
	unlock(server);
	return leaves;
}

void bide_server_abort_(bide_server *server)
{
	bide_serve_entry *at;

	lock(server);
	for (at = server->first; at; at = at->next) {
		at->is_pinned = true;
		unlock(server);
		bide_stream_abort(at->stream, ECANCELED);
		lock(server);
		at->is_pinned = false;
	}
	unlock(server);
}

/* --- failures --- */

/* Returns true for what a peer can cause, and for the end of the server. */
static bool is_ordinary(const bide_server *server, int error)
{
	return error == ECONNRESET || error == EPIPE || error == ETIMEDOUT || error == BIDE_EIDLE ||
	       error == BIDE_EEND || error == bide_context_error(server->clients);
}

/* Returns true if a line may be written now. *unreported is how many were left out before. */
static bool may_report(bide_server *server, uint64_t *unreported_count)
{
	int64_t now_ns = bide_port_now_();
	bool may;

	lock(server);
	may = now_ns >= server->report_at_ns;
	if (may) {
		*unreported_count = server->unreported_count;
		server->unreported_count = 0;
		server->report_at_ns = bide_time_add_(now_ns, BIDE_SECONDS(1));
	} else {
		server->unreported_count++;
	}
	unlock(server);
	return may;
}

static void report(bide_server *server, int error, uint64_t trace)
{
	bide_trace_entry entry;
	uint64_t unreported_count;
	char line[512], place[256] = "", more[64] = "";

	if (!may_report(server, &unreported_count))
		return;
	if (bide_trace_read(trace, &entry))
		bide_put_(place, sizeof place, " (%s:%u in %.*s)", entry.file, (unsigned)entry.line,
		          bide_name_length_(entry.function), entry.function);
	if (unreported_count)
		bide_put_(more, sizeof more, "; %llu others since the last report",
		          (unsigned long long)unreported_count);
	bide_put_(line, sizeof line, "a client's function failed: %s%s%s", bide_strerror(error), place,
	          more);
	bide_report_("serve", line);
}

void bide_server_failed_(bide_server *server, bide_stream *stream, int error, uint64_t trace)
{
	if (server->options.failed)
		server->options.failed(stream, error, server->argument);
	else if (!is_ordinary(server, error))
		report(server, error, trace);
}
