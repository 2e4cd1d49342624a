/*
 * opening.c - see opening.h.
 */
#include "io/opening.h"

#include <errno.h>
#include <string.h>

#include "base/port.h"
#include "context/context.h"
#include "memory/allocator.h"
#include "source/source.h"

bide_opening_request *bide_opening_request_(const char *host, const char *service)
{
	size_t host_bytes = host ? strlen(host) + 1 : 0;
	size_t service_bytes = service ? strlen(service) + 1 : 0;
	size_t size_bytes = sizeof(bide_opening_request) + host_bytes + service_bytes;
	bide_opening_request *request = bide_allocate_(size_bytes, _Alignof(bide_opening_request));
	char *texts;

	if (!request)
		return NULL;
	memset(request, 0, sizeof *request);
	texts = (char *)(request + 1);
	request->size_bytes = size_bytes;
	if (host)
		request->host = memcpy(texts, host, host_bytes);
	if (service)
		request->service = memcpy(texts + host_bytes, service, service_bytes);
	return request;
}

static void request_free(const bide_opening_kind *kind, bide_opening_request *request)
{
	if (kind->drop)
		kind->drop(request);
	bide_deallocate_(request, request->size_bytes);
}

static const bide_opening_kind *kind_of(const bide_opening *opening)
{
	return BIDE_CONTAINER_(opening->operation.type, const bide_opening_kind, type);
}

/* Takes the context, which may be gone already. */
static bide_context *context_take(bide_opening *opening)
{
	return BIDE_SWAP(&opening->context, (bide_context *)NULL, ACQ_REL); /* pairs with itself */
}

void bide_opening_end_(bide_opening *opening, void *result, int error)
{
	bide_context *context = context_take(opening);
	bide_payload payload;

	payload.p = error ? NULL : result;
	request_free(kind_of(opening), opening->request);
	bide_operation_complete_(&opening->operation, payload, error);
	bide_context_unref(context);
}

void bide_opening_leave_(bide_operation *operation)
{
	bide_context *context = context_take((bide_opening *)(void *)operation);

	if (!context)
		return;
	(void)bide_context_cancel(context, ECANCELED);
	bide_context_unref(context);
}

static void begin(bide_post *post)
{
	bide_opening *opening = BIDE_CONTAINER_(post, bide_opening, post);
	const bide_opening_kind *kind = kind_of(opening);
	bide_context *context = opening->begins; /* the operation may be over when the start returns */
	bide_value_task started;

	if (!BIDE_LOAD(&opening->context, ACQUIRE)) { /* forgotten before it began */
		bide_opening_end_(opening, NULL, ECANCELED);
		bide_context_unref(context);
		return;
	}
	started = bide_in_context(context, kind->begin(opening));
	bide_context_unref(context);
	if (started.state == BIDE_ENOFRAME)
		bide_opening_end_(opening, NULL, ENOMEM);
	else
		bide_value_task_forget_at_(started, NULL);
}

bide_value_task bide_opening_start_(const bide_opening_kind *kind, bide_opening_request *request)
{
	bide_context *context = request ? bide_context_create(NULL) : NULL;
	bide_opening *opening =
		context ? (bide_opening *)(void *)bide_operation_new_(sizeof *opening, &kind->type) : NULL;
	bide_value_task value;

	if (!opening) {
		bide_context_unref(context);
		if (request)
			request_free(kind, request);
		return bide_value_task_from_error(ENOMEM);
	}
	opening->context = context;
	opening->begins = bide_context_ref(context);
	opening->request = request;
	opening->post.run = begin;
	value = bide_source_value_(&opening->operation.source);
	if (bide_port_on_worker_())
		begin(&opening->post);
	else
		bide_port_post_(&opening->post);
	return value;
}

bide_value_task bide_opening_start_named_(const bide_opening_kind *kind, const char *host,
                                          const char *service, const bide_tcp_options *options)
{
	bide_socket_options copy;
	bide_opening_request *request;
	int error = bide_socket_options_copy_(&copy, options, kind->type.name);

	if (!error && !bide_thread_())
		error = ENOMEM;
	if (!error)
		error = bide_context_current_error();
	if (error)
		return bide_value_task_from_error(error);
	request = bide_opening_request_(host, service);
	if (request)
		request->options = copy;
	return bide_opening_start_(kind, request);
}
