/*
 * strand.c - accounts without a lock: all functions that use the ledger run in one strand, so that
 * there are never two at a time, on any worker. While one transfer waits, the others go on.
 */
#include <stdio.h>

#include <bide/short.h>

enum { ACCOUNT_COUNT = 4, TRANSFER_COUNT = 1000 };

struct ledger {
	executor *strand;
	int64_t balance[ACCOUNT_COUNT]; /* used in the strand only */
	int64_t transfers;
};

struct transfer {
	ASYNC_FRAME;
	struct {
		struct ledger *ledger;
		int from, to;
		int64_t amount;
	} in;
};

async(transfer)
{
	async_in(ledger, from, amount, to);
	ledger->balance[from] -= amount;
	await(delay_ms(1)); /* waits for the other bank; meanwhile others run in the strand */
	ledger->balance[to] += amount;
	ledger->transfers++;
async_finally:
	async_end;
}

/* Comes from the workers, checks the whole ledger at once, and goes back. */
struct audit {
	ASYNC_FRAME;
	struct {
		struct ledger *ledger;
	} in;
	int64_t sum;
};

async(audit)
{
	async_in(ledger);
	async_switch_to(ledger->strand);
	for (int i = 0; i < ACCOUNT_COUNT; i++)
		my->sum += ledger->balance[i];
	async_switch_back;
	async_return(my->sum);
async_finally:
	async_end;
}

int main(void)
{
	static value_task all[TRANSFER_COUNT];
	struct ledger ledger = { .strand = strand_create() };
	payload sum;
	int error = 0;

	if (!ledger.strand)
		return 1;
	for (int i = 0; i < TRANSFER_COUNT; i++)
		all[i] = with_executor(ledger.strand,
		                       async_start(transfer, .ledger = &ledger, .from = i % ACCOUNT_COUNT,
		                                   .to = (i + 1) % ACCOUNT_COUNT, .amount = i));
	for (int i = 0; i < TRANSFER_COUNT; i++)
		error |= value_task_wait(all[i], NULL);
	error |= value_task_wait(async_start(audit, .ledger = &ledger), &sum);
	printf("%lld transfers, all accounts together: %lld\n", (long long)ledger.transfers,
	       (long long)sum.i);
	executor_unref(ledger.strand);
	return error || ledger.transfers != TRANSFER_COUNT || sum.i != 0;
}
