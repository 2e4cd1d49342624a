/* A program of a user's with TLS, as it is built against what was installed. */
#include <bide/short.h>
#include <stdio.h>

int main(void)
{
	char text[200] = "";
	tls_config *config = NULL;
	int error = tls_config_create(&config, &(tls_options){ .error_text = text,
	                                                       .error_text_bytes = sizeof text });

	if (error)
		fprintf(stderr, "error %d: %s\n", error, text);
	tls_config_unref(config);
	error = tls_config_create(&config, &(tls_options){ .authorities_text = "nothing" });
	return error == 0 || config != NULL;
}
