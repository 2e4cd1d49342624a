/*
 * nginx as a server under measurement: writes a configuration with a free port and becomes nginx.
 * One process; otherwise Debian's settings, without the log of accesses.
 */
#include "io_peer.h"

static const char configuration[] = "daemon off;\n"
									"master_process off;\n"
									"worker_processes 1;\n"
									"pid %s/pid;\n"
									"error_log stderr crit;\n"
									"events { worker_connections 2048; }\n"
									"http {\n"
									"	access_log off;\n"
									"	sendfile on;\n"
									"	tcp_nopush on;\n"
									"	types { text/html html; }\n"
									"	keepalive_requests 1000000000;\n"
									"	client_body_temp_path %s/body;\n"
									"	proxy_temp_path %s/proxy;\n"
									"	fastcgi_temp_path %s/fastcgi;\n"
									"	uwsgi_temp_path %s/uwsgi;\n"
									"	scgi_temp_path %s/scgi;\n"
									"	server { listen 127.0.0.1:%d backlog=4096%s; root %s; }\n"
									"}\n";

/* The client decides the version of TLS and the cipher. */
static const char tls_lines[] = " ssl; ssl_protocols TLSv1.3; ssl_certificate %s; "
								"ssl_certificate_key %s";

int main(int argc, char **argv)
{
	char certificate[256], key[256], tls[sizeof tls_lines + sizeof certificate + sizeof key] = "";
	char folder[] = "/tmp/bench_nginx_XXXXXX", path[64];
	int fd = socket(AF_INET, SOCK_STREAM, 0), port;
	FILE *out;

	if (argc < 4 || strncmp(argv[1], "http", 4) != 0)
		return io_not_offered();
	if (strcmp(argv[1], "https") == 0) {
		io_tls_files(certificate, key, sizeof key);
		snprintf(tls, sizeof tls, tls_lines, certificate, key);
	}
	if (fd < 0 || mkdtemp(folder) == NULL)
		io_fail("cannot begin");
	port = io_bind(fd);
	close(fd);
	snprintf(path, sizeof path, "%s/nginx.conf", folder);
	out = fopen(path, "w");
	if (out == NULL)
		io_fail(path);
	fprintf(out, configuration, folder, folder, folder, folder, folder, folder, port, tls, argv[3]);
	if (fclose(out) != 0)
		io_fail(path);
	io_say_port(port);
	execl(NGINX_PROGRAM, NGINX_PROGRAM, "-e", "stderr", "-p", folder, "-c", path, (char *)NULL);
	io_fail(NGINX_PROGRAM);
	return 1;
}
