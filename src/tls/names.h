/*
 * names.h - the names in certificates, as texts.
 */
#ifndef BIDE_TLS_NAMES_H
#define BIDE_TLS_NAMES_H

#include <openssl/x509.h>

/*
 * The common name, or else all of the name on a line. What is not printable is written as "?", so
 * that a text from a peer is fit for a log.
 */
void bide_tls_name_text_(const X509_NAME *name, char *to, size_t size_bytes);
/*
 * The names of hosts and the IP addresses that a certificate is for, with ", " between them. If
 * they do not fit, the text ends with "...". Returns how many bytes all of them would take, without
 * the 0 behind them.
 */
size_t bide_tls_names_text_(X509 *certificate, char *to, size_t size_bytes);

#endif
