/*
 * names.c - see names.h.
 */
#include "tls/names.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include <openssl/x509v3.h>

static char printable(unsigned char byte)
{
	return byte > ' ' && byte < 127 ? (char)byte : byte == ' ' ? ' ' : '?';
}

/* Makes a text of what a peer sent. */
static void copy_printable(char *to, size_t room_bytes, const unsigned char *from, size_t size)
{
	size_t i;

	for (i = 0; i < size && i + 1 < room_bytes; i++)
		to[i] = printable(from[i]);
	to[i] = '\0';
}

void bide_tls_name_text_(const X509_NAME *name, char *to, size_t size_bytes)
{
	int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
	const ASN1_STRING *common =
		at >= 0 ? X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)) : NULL;
	char line[512] = "";

	if (common && ASN1_STRING_length(common) > 0) {
		copy_printable(to, size_bytes, ASN1_STRING_get0_data(common),
		               (size_t)ASN1_STRING_length(common));
		return;
	}
	(void)X509_NAME_oneline(name, line, sizeof line);
	copy_printable(to, size_bytes, (const unsigned char *)line, strlen(line));
	if (!to[0])
		(void)snprintf(to, size_bytes, "nobody");
}

/* Appends a name. */
typedef struct names {
	char *to;
	size_t room_bytes, size_bytes;
} names;

static void append(names *n, const char *text)
{
	const char *between = n->size_bytes ? ", " : "";
	size_t size_bytes = strlen(between) + strlen(text);

	if (n->size_bytes + size_bytes < n->room_bytes)
		(void)snprintf(n->to + n->size_bytes, n->room_bytes - n->size_bytes, "%s%s", between, text);
	else if (n->room_bytes > 3 && n->size_bytes < n->room_bytes) /* the first that does not fit */
		memcpy(n->to + (n->size_bytes < n->room_bytes - 4 ? n->size_bytes : n->room_bytes - 4),
		       "...", sizeof "...");
	n->size_bytes += size_bytes;
}

static void append_one(names *n, const GENERAL_NAME *name)
{
	char text[256] = "";
	const unsigned char *data;
	int length;

	if (name->type == GEN_DNS) {
		copy_printable(text, sizeof text, ASN1_STRING_get0_data(name->d.dNSName),
		               (size_t)ASN1_STRING_length(name->d.dNSName));
		for (char *c = text; *c; c++) /* One name must not look like two. */
			if (*c == ',' || *c == ' ')
				*c = '?';
		append(n, text);
	} else if (name->type == GEN_IPADD) {
		data = ASN1_STRING_get0_data(name->d.iPAddress);
		length = ASN1_STRING_length(name->d.iPAddress);
		if (length == 4 || length == 16) {
			(void)inet_ntop(length == 4 ? AF_INET : AF_INET6, data, text, sizeof text);
			append(n, text);
		}
	}
}

size_t bide_tls_names_text_(X509 *certificate, char *to, size_t size_bytes)
{
	GENERAL_NAMES *list = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
	names n = { to, size_bytes, 0 };

	if (size_bytes)
		to[0] = '\0';
	for (int i = 0; i < sk_GENERAL_NAME_num(list); i++)
		append_one(&n, sk_GENERAL_NAME_value(list, i));
	GENERAL_NAMES_free(list);
	return n.size_bytes;
}
