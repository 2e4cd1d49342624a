/*
 * fetch.c - libcurl's multi interface under bide: several pages at the same time.
 *
 *     fetch URL...
 *
 * libcurl says which descriptors it waits for and when its timer is due, by two callbacks. An async
 * function waits for each of them and then calls libcurl again. A multi handle is for one thread at
 * a time, so all that uses it runs on a strand.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include <curl/curl.h>

#include <bide/short.h>

/* A descriptor that libcurl waits for, or its timer. */
struct watch {
	context *scope; /* canceled when libcurl waits for something else */
};

struct client {
	CURLM *multi;
	context *scope; /* that of all watches */
	struct watch timer;
	bide_group watches; /* owns the functions that wait */
};

/* One page. */
struct transfer {
	CURL *easy;
	bide_task *done; /* completed with libcurl's code */
	size_t size;
};

/* --- what has become of the transfers --- */

static void note_ends(struct client *client)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(client->multi, &left))) {
		struct transfer *transfer;

		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&transfer);
		task_try_complete(transfer->done, (payload){ .i = message->data.result });
	}
}

/* --- waiting for libcurl --- */

struct wait_for_descriptor {
	ASYNC_FRAME;
	struct {
		struct client *client;
		curl_socket_t descriptor;
		unsigned events;
	} in;
	int64_t events;
};

/* Ends when its scope is canceled: then libcurl waits for other events, or not at all. */
async(wait_for_descriptor)
{
	async_in(client, descriptor);
	while (!context_current_error()) { /* libcurl may have canceled it from within the call below */
		int what, running;

		await_or(my->events, fd_wait(descriptor, my->in.events), break);
		what = (my->events & BIDE_FD_IN ? CURL_CSELECT_IN : 0) |
		       (my->events & BIDE_FD_OUT ? CURL_CSELECT_OUT : 0) |
		       (my->events & (BIDE_FD_ERROR | BIDE_FD_HUP) ? CURL_CSELECT_ERR : 0);
		curl_multi_socket_action(client->multi, descriptor, what, &running);
		note_ends(client);
	}
async_finally:
	async_end;
}

struct wait_for_timer {
	ASYNC_FRAME;
	struct {
		struct client *client;
		long delay_ms;
	} in;
};

async(wait_for_timer)
{
	int running;

	async_in(client, delay_ms);
	await_or(delay(BIDE_MS(delay_ms)), async_return(0));
	curl_multi_socket_action(client->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	note_ends(client);
async_finally:
	async_end;
}

/* Ends what waits for this. Nothing waits for the descriptor when it returns. */
static void end_watch(struct watch *watch)
{
	if (watch->scope)
		context_cancel(watch->scope, ECANCELED);
	context_unref(watch->scope);
	watch->scope = NULL;
}

/*
 * The running function may be in the scope of a watch that has just ended: so the parent is named.
 */
static int begin_watch(struct client *client, struct watch *watch)
{
	end_watch(watch);
	watch->scope = context_create(&(context_options){ .parent = client->scope });
	return watch->scope ? 0 : -1;
}

/* libcurl calls this. A function of libcurl is on the stack, so the waits begin later. */
static int on_descriptor(CURL *easy, curl_socket_t descriptor, int what, void *argument,
                         void *known)
{
	struct client *client = argument;
	struct watch *watch = known;
	unsigned events =
		(what & CURL_POLL_IN ? BIDE_FD_IN : 0) | (what & CURL_POLL_OUT ? BIDE_FD_OUT : 0);

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		if (watch)
			end_watch(watch);
		free(watch);
		return 0;
	}
	if (!watch) {
		watch = calloc(1, sizeof *watch);
		if (!watch)
			return -1;
		curl_multi_assign(client->multi, descriptor, watch);
	}
	if (begin_watch(client, watch) != 0)
		return -1;
	group_start(&client->watches,
	            in_context(watch->scope,
	                       async_start_cold(wait_for_descriptor, .client = client,
	                                        .descriptor = descriptor, .events = events)));
	return 0;
}

static int on_timer(CURLM *multi, long delay_ms, void *argument)
{
	struct client *client = argument;

	(void)multi;
	end_watch(&client->timer);
	if (delay_ms < 0)
		return 0;
	if (begin_watch(client, &client->timer) != 0)
		return -1;
	group_start(&client->watches,
	            in_context(client->timer.scope, async_start_cold(wait_for_timer, .client = client,
	                                                             .delay_ms = delay_ms)));
	return 0;
}

/* --- a page --- */

static size_t on_bytes(char *bytes, size_t one, size_t count, void *argument)
{
	struct transfer *transfer = argument;

	(void)bytes;
	transfer->size += one * count;
	return one * count;
}

struct fetch {
	ASYNC_FRAME;
	struct {
		struct client *client;
		const char *url;
	} in;
	struct transfer transfer;
	int64_t result;
	long status;
};

/* The wait may be canceled or have a deadline: the cleanup takes the transfer from libcurl. */
async(fetch)
{
	async_in(client, url);
	my->transfer.easy = curl_easy_init();
	my->transfer.done = task_create(0);
	if (!my->transfer.easy || !my->transfer.done)
		async_fail(ENOMEM);
	curl_easy_setopt(my->transfer.easy, CURLOPT_URL, url);
	curl_easy_setopt(my->transfer.easy, CURLOPT_PRIVATE, &my->transfer);
	curl_easy_setopt(my->transfer.easy, CURLOPT_WRITEFUNCTION, on_bytes);
	curl_easy_setopt(my->transfer.easy, CURLOPT_WRITEDATA, &my->transfer);
	curl_multi_add_handle(client->multi, my->transfer.easy);
	await(my->result, my->transfer.done);
	curl_easy_getinfo(my->transfer.easy, CURLINFO_RESPONSE_CODE, &my->status);
	if (my->result == CURLE_OK)
		printf("%s: status %ld, %zu bytes\n", url, my->status, my->transfer.size);
	else
		printf("%s: %s\n", url, curl_easy_strerror((CURLcode)my->result));
	async_return(my->result == CURLE_OK && my->status == 200 ? 0 : 1);
async_finally:
	if (my->transfer.easy) {
		curl_multi_remove_handle(client->multi, my->transfer.easy);
		curl_easy_cleanup(my->transfer.easy);
	}
	task_unref(my->transfer.done);
	async_end;
}

/* --- all of them --- */

enum { PAGES_MAX = 64 };

struct run {
	ASYNC_FRAME;
	struct {
		char **urls;
		int count;
	} in;
	struct client client;
	value_task pages[PAGES_MAX];
	bool has_watches;
	int failed;
};

async(run)
{
	async_in(urls, count);
	my->client.scope = context_create(NULL);
	if (!my->client.scope || group_init(&my->client.watches, NULL) != 0)
		async_fail(ENOMEM);
	my->has_watches = true;
	my->client.multi = curl_multi_init();
	if (!my->client.multi)
		async_fail(ENOMEM);
	curl_multi_setopt(my->client.multi, CURLMOPT_SOCKETFUNCTION, on_descriptor);
	curl_multi_setopt(my->client.multi, CURLMOPT_SOCKETDATA, &my->client);
	curl_multi_setopt(my->client.multi, CURLMOPT_TIMERFUNCTION, on_timer);
	curl_multi_setopt(my->client.multi, CURLMOPT_TIMERDATA, &my->client);
	for (int i = 0; i < count; i++)
		my->pages[i] = async_start(fetch, .client = &my->client, .url = urls[i]);
	await(when_all(my->pages, (size_t)count));
	for (int i = 0; i < count; i++)
		my->failed += value_task_result(my->pages[i]).i != 0;
	async_return(my->failed);
async_finally:
	curl_multi_cleanup(my->client.multi); /* the last connections end their watches */
	end_watch(&my->client.timer);
	if (my->has_watches)
		await(group_wait(&my->client.watches));
	context_unref(my->client.scope);
	async_end;
}

int main(int count, char **words)
{
	executor *strand = strand_create();
	payload failed = { .i = 0 };
	int error;

	if (count < 2 || count - 1 > PAGES_MAX) {
		fprintf(stderr, "usage: fetch URL..., at most %d\n", PAGES_MAX);
		return 2;
	}
	if (!strand || curl_global_init(CURL_GLOBAL_DEFAULT) != 0)
		return 1;
	error = value_task_wait(with_executor(strand, async_start_cold(run, .urls = words + 1,
	                                                               .count = count - 1)),
	                        &failed);
	if (error)
		fprintf(stderr, "fetch: %s\n", bide_strerror(error));
	executor_unref(strand);
	curl_global_cleanup();
	return error || failed.i;
}
