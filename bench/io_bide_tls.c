/*
 * The row tls_echo_64: the echo of io_bide.c, with TLS on the stream.
 */
#include <bide/bide.h>
#include <bide/tls.h>

#include "io_bide.h"

#include <bide/short.h> /* last, because it defines short names */

static tls_config *tls;

struct tls_echo {
	ASYNC_FRAME;
	struct {
		stream *client;
	} in;
	int64_t size_bytes;
	char data[1024];
};

async(tls_echo)
{
	async_in(client);
	await(tls_start_server(client, tls));
	for (;;) {
		await(my->size_bytes, stream_read(client, my->data, sizeof my->data));
		if (my->size_bytes == 0)
			break;
		await(stream_write(client, my->data, (size_t)my->size_bytes));
	}
async_finally:
	async_end;
}

value_task start_tls_echo(stream *client, void *unused)
{
	(void)unused;
	return async_start(tls_echo, .client = client);
}

void prepare_tls(void)
{
	char certificate[256], key[256], text[256] = "";
	tls_identity identity = { .certificate_file = certificate, .key_file = key };
	int error;

	io_tls_files(certificate, key, sizeof key);
	error = tls_config_create(&tls, &(tls_options){ .identities = &identity,
	                                                .identity_count = 1,
	                                                .error_text = text,
	                                                .error_text_bytes = sizeof text });
	must(error == 0, text);
}
