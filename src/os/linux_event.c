/*
 * linux_event.c - event.h for Linux, by eventfd, timerfd and epoll.
 */
#include "os/event.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { NS_PER_S = 1000000000 };

int bide_os_event_open_(void)
{
	return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

void bide_os_event_signal_(int fd)
{
	uint64_t one = 1;

	while (write(fd, &one, sizeof one) < 0 && errno == EINTR)
		;
}

void bide_os_event_clear_(int fd)
{
	uint64_t count;

	while (read(fd, &count, sizeof count) < 0 && errno == EINTR)
		;
}

int bide_os_alarm_open_(void)
{
	return timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
}

void bide_os_alarm_set_(int fd, int64_t deadline_ns)
{
	struct itimerspec when = { .it_value = { 0 } };

	if (deadline_ns != INT64_MAX) {
		if (deadline_ns < 1)
			deadline_ns = 1; /* 0 would stop the timer */
		when.it_value.tv_sec = (time_t)(deadline_ns / NS_PER_S);
		when.it_value.tv_nsec = (long)(deadline_ns % NS_PER_S);
	}
	timerfd_settime(fd, TFD_TIMER_ABSTIME, &when, NULL);
}

int bide_os_either_open_(int first, int second)
{
	int fd = epoll_create1(EPOLL_CLOEXEC);

	if (fd >= 0 && bide_os_either_add_(fd, first) == 0 && bide_os_either_add_(fd, second) == 0)
		return fd;
	bide_os_close_(fd);
	return -1;
}

int bide_os_either_add_(int fd, int another)
{
	struct epoll_event readable = { .events = EPOLLIN };

	return epoll_ctl(fd, EPOLL_CTL_ADD, another, &readable) == 0 ? 0 : errno;
}

void bide_os_close_(int fd)
{
	if (fd >= 0)
		close(fd);
}
