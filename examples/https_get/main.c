/*
 * main.c - gets a page over HTTPS, in ten seconds, and writes its body to standard output.
 *
 *     https_get HOST[:PORT] [PATH [AUTHORITIES]]
 *
 * AUTHORITIES is a file in PEM. Without it the authorities of the system are trusted.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bide/short.h>

struct get {
	ASYNC_FRAME;
	struct {
		const char *host, *port, *path;
		tls_config *config;
	} in;
	stream *server, *output;
	char *line;
	int error, status;
};

/* A failure of the handshake is told in words. */
static void tell(const struct get *my)
{
	const char *text = my->server ? tls_error_text(my->server) : "";

	fprintf(stderr, "https_get: %s%s%s\n", bide_strerror(my->error), text[0] ? ": " : "", text);
}

async(get)
{
	async_in(host, port, path, config);
	await(my->server, tcp_connect(host, port, NULL));
	await(tls_start_client(my->server, host, config));
	await(stream_print(my->server, "GET %s HTTP/1.0\r\nHost: %s\r\nConnection: close\r\n\r\n", path,
	                   host));
	await(my->line, stream_read_line(my->server)); /* it waits, so the request goes */
	if (!my->line || sscanf(my->line, "HTTP/1.%*d %d", &my->status) != 1)
		async_fail(EPROTO);
	do
		await(my->line, stream_read_line(my->server));
	while (my->line && my->line[0]);
	my->error = stream_standard(&my->output, 1);
	if (my->error)
		async_fail(my->error);
	await(stream_copy(my->server, my->output, SIZE_MAX));
	async_return(my->status);
async_finally:
	my->error = async_error;
	if (my->error)
		tell(my);
	stream_close(my->output);
	stream_close(my->server);
	async_end;
}

int main(int count, char **words)
{
	tls_config *config;
	payload status = { .i = 0 };
	char host[256], text[200];
	const char *port = "443";
	char *colon;
	int error;

	if (count < 2 || count > 4 || strlen(words[1]) >= sizeof host) {
		fprintf(stderr, "usage: https_get HOST[:PORT] [PATH [AUTHORITIES]]\n");
		return 2;
	}
	snprintf(host, sizeof host, "%s", words[1]);
	colon = strrchr(host, ':');
	if (colon) {
		*colon = '\0';
		port = colon + 1;
	}
	if (tls_config_create(&config, &(tls_options){ .authorities_file = count > 3 ? words[3] : NULL,
	                                               .protocols = "http/1.1",
	                                               .error_text = text,
	                                               .error_text_bytes = sizeof text })) {
		fprintf(stderr, "https_get: %s\n", text);
		return 1;
	}
	error = value_task_wait(with_timeout_ms(10000, async_start(get, .host = host, .port = port,
	                                                           .path = count > 2 ? words[2] : "/",
	                                                           .config = config)),
	                        &status);
	tls_config_unref(config);
	return error || status.i != 200;
}
