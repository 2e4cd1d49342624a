/* The row udp_echo: one function, which takes and answers what is there by one call each. */
#include <bide/bide.h>

#include "io_bide.h"

#include <bide/short.h> /* last, because it defines short names */

struct datagrams {
	ASYNC_FRAME;
	udp *socket;
	int64_t count;
	bide_datagram got[IO_DATAGRAMS];
	char room[IO_DATAGRAMS][IO_DATAGRAM_ROOM];
};

async(datagrams)
{
	async_begin;
	address local;

	must(address_parse(&local, "127.0.0.1:0", NULL) == 0, "no address");
	must(udp_open(&my->socket, &local, NULL) == 0, "no socket");
	must(udp_address(my->socket, &local) == 0, "no address");
	io_say_port((int)address_port(&local));
	for (int i = 0; i < IO_DATAGRAMS; i++)
		my->got[i] = (bide_datagram){ .data = my->room[i], .room_bytes = IO_DATAGRAM_ROOM };
	for (;;) {
		await(my->count, udp_receive(my->socket, my->got, IO_DATAGRAMS));
		await(udp_send(my->socket, my->got, (size_t)my->count));
	}
async_finally:
	udp_close(my->socket);
	async_end;
}

int run_datagrams(void)
{
	return value_task_wait(async_start(datagrams), NULL);
}
