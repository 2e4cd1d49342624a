/*
 * thread.c - see thread.h.
 */
#include "runtime/thread.h"

#include "base/thread.h"
#include "os/os.h"
#include "runtime/runtime.h"

/*
 * Numbers go on after a shutdown, so no generation of an earlier life comes back. After 32767
 * records they begin again.
 */
uint32_t bide_thread_number_(void)
{
	return bide_runtime_.thread_count++ % 0x7FFF + 1;
}

uintptr_t bide_thread_stack_limit_(void)
{
	size_t size_bytes;
	uintptr_t low = bide_os_stack_low_(&size_bytes);

	/* A body and the library may still need a quarter below it, at most 256 KiB. */
	return low + (size_bytes / 4 < 262144 ? size_bytes / 4 : 262144);
}

void bide_thread_died_(bide_thread *thread, const char *whose)
{
	bide_thread_head *head = &thread->head;
	const bide_frame *frame = head->current;

	if (!bide_thread_is_inside_(head))
		return;
	head->current = &thread->root;
	thread->root.context = 0;
	thread->executor = NULL;
	thread->completing = 0;
	thread->canceling = NULL;
	bide_misuse_("pthread_exit: the async function %s ended %s thread (pthread_exit, "
	             "pthread_cancel); it never "
	             "goes on",
	             frame->async->name, whose);
}

static void nothing_to_leave(void *argument)
{
	(void)argument;
}

void bide_thread_forget_exit_(void)
{
	(void)bide_os_at_thread_exit_(nothing_to_leave, NULL);
}
