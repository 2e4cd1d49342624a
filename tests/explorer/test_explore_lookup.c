/*
 * Look-ups of names (io/lookup.c, io/resolve.c) against a shutdown: a look-up that ends, is
 * forgotten or canceled while the runtime shuts down. A wait ends once, what was found and what the
 * system answered is given back once, and a thread that the shutdown waited for touches nothing
 * afterwards.
 */
#include "explore.h"

#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>

#include "base/port.h"
#include "context/context.h"
#include "io/address.h"
#include "io/freed.h"
#include "io/lookup_error.h"
#include "io/simulated.h"
#include "memory/allocator.h"
#include "os/os.h"
#include "runtime/at_end.h"
#include "runtime/external.h"
#include "runtime/runtime.h"

static struct {
	bide_context *context;
	bide_value_task value;
	int64_t now_ns;      /* atomic */
	uint32_t is_hung;    /* the system answers when it is let go */
	uint32_t is_let_go;  /* atomic; a futex */
	uint32_t is_started; /* the thread for look-ups; the same */
	uint32_t is_stopped; /* atomic */
	uint32_t allocated, released, answered, freed, made, kept; /* atomic */
} k;

/* --- the system --- */

/* A wait that ends without a change has reached its deadline. */
static void wait_or_pass(uint32_t *word, uint32_t expected, int64_t deadline_ns)
{
	bide_os_wait_(word, expected, deadline_ns);
	if (deadline_ns != INT64_MAX && BIDE_LOAD(word, SEQ_CST) == expected)
		BIDE_STORE(&k.now_ns, deadline_ns, SEQ_CST);
}

int64_t bide_os_now_ns_(void)
{
	return BIDE_LOAD(&k.now_ns, SEQ_CST);
}

static uint32_t mutex_word; /* of the one mutex */

void bide_os_lock_(bide_os_mutex *mutex)
{
	(void)mutex;
	for (unsigned tries = 0; BIDE_SWAP(&mutex_word, 1u, ACQUIRE) != 0; tries++)
		bide_port_wait_a_moment_(tries);
}

void bide_os_unlock_(bide_os_mutex *mutex)
{
	(void)mutex;
	BIDE_STORE(&mutex_word, 0u, RELEASE);
}

void *bide_os_allocate_(size_t size_bytes, size_t alignment)
{
	(void)BIDE_ADD(&k.allocated, 1u, RELAXED);
	return bide_port_allocate_(size_bytes, alignment);
}

void bide_os_release_(void *memory)
{
	(void)BIDE_ADD(&k.released, 1u, RELAXED);
	bide_port_release_(memory, 0);
}

void bide_os_thread_name_(const char *name)
{
	(void)name;
}

void bide_os_thread_detach_self_(void)
{
}

int bide_os_thread_start_(void *(*run)(void *argument), void *argument)
{
	(void)run, (void)argument;
	EXPLORE_CHECK(BIDE_SWAP(&k.is_started, 1u, SEQ_CST) == 0);
	bide_os_wake_(&k.is_started, 1);
	return 0;
}

static int ask_system(const char *host, const char *service, const struct addrinfo *hints,
                      struct addrinfo **list)
{
	static struct sockaddr address = { .sa_family = AF_INET };
	static struct addrinfo answer = { .ai_family = AF_INET, .ai_addr = &address };

	(void)service, (void)hints;
	EXPLORE_CHECK(strcmp(host, "a.example") == 0);
	if (k.is_hung)
		bide_os_wait_(&k.is_let_go, 0, INT64_MAX);
	(void)BIDE_ADD(&k.answered, 1u, RELAXED);
	*list = &answer;
	return 0;
}

static void free_answer(struct addrinfo *list)
{
	(void)list;
	(void)BIDE_ADD(&k.freed, 1u, RELAXED);
}

/* --- what else the room needs --- */

bide_runtime bide_runtime_ = { .config.resolver_threads_max = 1 };

int bide_runtime_missing_(void)
{
	return BIDE_ENOMEM_;
}

void bide_at_end_add_(bide_at_end *entry)
{
	(void)entry;
}

/* After it has completed a wait. */
void bide_external_detach_(void)
{
	EXPLORE_CHECK(!BIDE_LOAD(&k.is_stopped, SEQ_CST));
}

int bide_lookup_error_(int error, int system_error)
{
	(void)system_error;
	return error;
}

int bide_address_from_sockaddr(bide_address *address, const struct sockaddr *from,
                               size_t size_bytes)
{
	(void)from, (void)size_bytes;
	memset(address, 0, sizeof *address);
	(void)BIDE_ADD(&k.made, 1u, RELAXED);
	return 0;
}

bool bide_address_equal(const bide_address *a, const bide_address *b)
{
	return a == b;
}

int bide_address_set_port(bide_address *address, unsigned port)
{
	(void)address, (void)port;
	return 0;
}

int bide_address_parse_host_(bide_address *address, const char *text)
{
	(void)address, (void)text;
	return EINVAL;
}

int bide_simulated_resolve_(const char *host, bide_address *address)
{
	(void)host, (void)address;
	explore_fail("nothing is simulated");
}

void bide_freed_keep_(void *memory, size_t size_bytes)
{
	(void)BIDE_ADD(&k.kept, 1u, RELAXED);
	bide_deallocate_(memory, size_bytes);
}

#define bide_os_wait_ wait_or_pass
#include "io/lookup.c"
#undef bide_os_wait_

/* --- threads --- */

static void resolve_thread(void)
{
	uintptr_t saved = bide_context_push_(k.context);

	k.value = bide_resolve("a.example", NULL).untyped;
	bide_context_pop_(saved);
}

/* Of the library, which starts it for the first look-up. */
static void lookup_thread(void)
{
	if (!BIDE_LOAD(&k.is_started, SEQ_CST))
		bide_os_wait_(&k.is_started, 0, INT64_MAX);
	if (BIDE_LOAD(&k.is_started, SEQ_CST))
		(void)run_thread(NULL);
}

/* The shutdown. A look-up that hangs is let go when all is over. */
static void stop_thread(void)
{
	stop();
	BIDE_STORE(&k.is_stopped, 1u, SEQ_CST);
	BIDE_STORE(&k.is_let_go, 1u, SEQ_CST);
	bide_os_wake_(&k.is_let_go, 1);
}

static void cancel_thread(void)
{
	(void)bide_context_cancel(k.context, BIDE_ETIMEDOUT_);
}

static void forget_thread(void)
{
	bide_value_task_forget(k.value);
}

/* --- setups and checks --- */

/* All that is left sleeps: a thread that was never started; or what hangs, and the shutdown. */
static void quiet(void)
{
	EXPLORE_CHECK(k.is_hung || (k.is_stopped && !k.is_started));
}

static void setup(void)
{
	memset(&k, 0, sizeof k);
	memset(&s, 0, sizeof s);
	bide_lookup_ask_ = ask_system;
	bide_lookup_free_ = free_answer;
	k.context = bide_context_create(NULL);
}

/* A look-up is queued. */
static void setup_queued(void)
{
	setup();
	resolve_thread();
	EXPLORE_CHECK(bide_is_pending_(k.value) && k.is_started);
	explore_watch((void *)k.value.state);
}

static void setup_hung(void)
{
	setup_queued();
	k.is_hung = 1;
}

static void check_all_given_back(void)
{
	EXPLORE_CHECK(!s.first && !s.running && s.thread_count == 0 && s.queue_count == 0);
	for (unsigned i = 0; i < BUCKETS; i++)
		EXPLORE_CHECK(!s.places[i]);
	EXPLORE_CHECK(k.allocated == k.released && k.answered == k.freed && k.made == k.kept);
	bide_context_unref(k.context);
}

static void check_over(void)
{
	bide_value_task value = k.value;

	if (bide_is_pending_(value)) {
		EXPLORE_CHECK(bide_is_done_((bide_source *)value.state));
		value = bide_consume_((bide_source *)value.state, NULL);
	}
	EXPLORE_CHECK(value.state == 0 || value.state == ECANCELED || value.state == BIDE_ETIMEDOUT_);
	if (value.state == 0) {
		EXPLORE_CHECK(!k.is_hung && ((bide_addresses *)value.payload.p)->count == 1);
		bide_addresses_free(value.payload.p);
	}
	check_all_given_back();
}

static void check_forgotten(void)
{
	EXPLORE_CHECK(explore_freed((void *)k.value.state) == 1);
	check_all_given_back();
}

#define LOOKUP(name_, setup_, threads_, check_, ...)                           \
	SCENARIO(lookup_##name_, setup_, THREADS threads_, check_, .shared = true, \
	         .newest_only = true, .quiet = quiet, __VA_ARGS__)

LOOKUP(answer_against_shutdown, setup_queued, (lookup_thread, stop_thread), check_over,
       .switches_max = 2)
LOOKUP(start_against_shutdown, setup, (lookup_thread, resolve_thread, stop_thread), check_over,
       .switches_max = 2)
LOOKUP(answer_cancel_shutdown, setup_queued, (lookup_thread, cancel_thread, stop_thread),
       check_over, .switches_max = 1)
LOOKUP(answer_forget_shutdown, setup_queued, (lookup_thread, forget_thread, stop_thread),
       check_forgotten, .switches_max = 1)
LOOKUP(hung_against_shutdown, setup_hung, (lookup_thread, stop_thread), check_over,
       .switches_max = 3)
LOOKUP(hung_forget_shutdown, setup_hung, (lookup_thread, forget_thread, stop_thread),
       check_forgotten, .switches_max = 1)
