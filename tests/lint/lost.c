/* Read by run.sh, never compiled: each line marked FOUND must be reported, and no other. */
async(load)
{
	async_begin;
	char buffer[64];
	struct point p = { 0 };
	int n = 0, unused;
	static int k;
	char kept[8]; /* not across an await */
	await(read_into(buffer, sizeof buffer)); /* FOUND */
	k = 1;
	use(buffer); /* FOUND */
	for (;;) {
		int64_t x;
		await(x, f());
		g(x, kept);
	}
	await(h(&p)); /* FOUND */
	my->p.x = 3;
	p.x = 3; /* FOUND */
	n = 4;
	use(n);
	{
		struct point inner = { 0 };
		use(inner);
	}
	await(delay_ms(sizeof p));
	async_return(n); /* FOUND */
async_finally:
	async_end;
}

static int ordinary(void)
{
	char buffer[64];
	await(read_into(buffer));
	return buffer[0];
}
