/*
 * Counts calls of the C allocator in a process into which it is preloaded (LD_PRELOAD). Used in the
 * counting pass only; in the timing pass the allocator is untouched. Relies on glibc, which exports
 * its own allocator under __libc_ names. C, C++ and Rust call it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

void bench_allocations_read(uint64_t *count, uint64_t *bytes);
void *malloc(size_t size);
void *calloc(size_t count, size_t size);
void *realloc(void *old, size_t size);
void *memalign(size_t alignment, size_t size);
void *aligned_alloc(size_t alignment, size_t size);
int posix_memalign(void **out, size_t alignment, size_t size);

struct counters {
	_Atomic uint64_t count, bytes;
};

/*
 * Plain sums, which are read when the process is quiet, so relaxed suffices. In a file that
 * BENCH_ALLOCATIONS names another process can read them.
 */
static struct counters own;
static struct counters *counters = &own;

__attribute__((constructor)) static void share(void)
{
	const char *path = getenv("BENCH_ALLOCATIONS");
	int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *mapped;

	if (fd < 0)
		return;
	mapped = mmap(NULL, sizeof *counters, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (mapped != MAP_FAILED)
		counters = mapped;
	close(fd);
}

static void note(size_t size)
{
	atomic_fetch_add_explicit(&counters->count, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&counters->bytes, size, memory_order_relaxed);
}

void bench_allocations_read(uint64_t *count, uint64_t *bytes)
{
	*count = atomic_load_explicit(&counters->count, memory_order_relaxed);
	*bytes = atomic_load_explicit(&counters->bytes, memory_order_relaxed);
}

void *malloc(size_t size)
{
	note(size);
	return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	note(count * size);
	return __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
	note(size);
	return __libc_realloc(old, size);
}

void *memalign(size_t alignment, size_t size)
{
	note(size);
	return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
	note(size);
	return __libc_memalign(alignment, size);
}

int posix_memalign(void **out, size_t alignment, size_t size)
{
	void *memory;

	note(size);
	memory = __libc_memalign(alignment, size);
	if (memory == NULL)
		return ENOMEM;
	*out = memory;
	return 0;
}
