/*
 * own_loop.c - async functions on a thread that has a loop of its own, here around poll(2). The
 * loop watches one more descriptor, and makes one call when that is readable. A GUI does the same.
 */
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include <bide/short.h>

/* Only this thread may use it. */
struct window {
	char title[64];
	int key_count, in_progress;
	bool quit;
};

static value_task compute(void *argument)
{
	(void)argument;
	usleep(20000); /* on a thread that may block */
	return value_task_from(42);
}

/* Starts at once, like a handler of the key. The loop runs the rest of it, on this thread. */
struct key_pressed {
	ASYNC_FRAME;
	struct {
		struct window *window;
		char key;
	} in;
	int64_t answer;
};

async(key_pressed)
{
	async_in(window, key);
	window->key_count++;
	window->in_progress++;
	window->quit |= key == 'q';
	await(my->answer, run_blocking(compute, NULL));
	snprintf(window->title, sizeof window->title, "%c: %d", key, (int)my->answer);
	puts(window->title);
	await(delay_ms(5));
async_finally:
	window->in_progress--;
	async_end;
}

int main(void)
{
	struct window window = { .title = "" };
	executor *loop = loop_create();
	int keys[2], ready_fd;
	char key;

	if (!loop || loop_fd(loop, &ready_fd) != 0 || pipe(keys) != 0 || write(keys[1], "aq", 2) != 2)
		return 1;
	while (!window.quit || window.in_progress > 0) {
		struct pollfd watched[2] = { { keys[0], POLLIN, 0 }, { ready_fd, POLLIN, 0 } };

		poll(watched, 2, -1);
		if (watched[0].revents && read(keys[0], &key, 1) == 1)
			value_task_forget(
				with_executor(loop, async_start(key_pressed, .window = &window, .key = key)));
		if (watched[1].revents)
			loop_run(loop, 0, NULL);
	}
	close(keys[0]);
	close(keys[1]);
	executor_unref(loop);
	return window.key_count != 2;
}
