/*
 * run.c - gives the parts of a computation to the workers, each as a task. The caller continues at
 * once, and waits when it needs the sum.
 */
#include <stdio.h>

#include <bide/short.h>

enum { PARTS = 8, PART_NUMBERS = 25000 };

/* Occupies its worker until it returns, so a part is short and never blocks. */
static value_task count_primes(void *argument)
{
	int first = *(const int *)argument, count = 0;

	for (int n = first; n < first + PART_NUMBERS; n++) {
		int divisor = 2;

		while (divisor * divisor <= n && n % divisor != 0)
			divisor++;
		count += n > 1 && divisor * divisor > n;
	}
	return value_task_from(count);
}

int main(void)
{
	int firsts[PARTS], count = 0;
	task *parts[PARTS];

	for (int i = 0; i < PARTS; i++) {
		firsts[i] = i * PART_NUMBERS;
		parts[i] = task_run(count_primes, &firsts[i]);
		if (!parts[i])
			return 1;
	}
	for (int i = 0; i < PARTS; i++) {
		payload result = { .i = 0 };

		if (task_wait(parts[i], &result) != 0)
			return 1;
		count += (int)result.i;
		task_unref(parts[i]);
	}
	printf("%d primes below %d, on up to %u CPUs\n", count, PARTS * PART_NUMBERS, cpu_count());
	return count != 17984;
}
