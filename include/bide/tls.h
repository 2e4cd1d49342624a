/*
 * tls.h - TLS on streams, by OpenSSL 3, in a library of its own: link with bide-tls besides bide.
 *
 *     await(my->server, tcp_connect("example.org", "443", NULL));
 *     await(tls_start_client(my->server, "example.org", NULL));
 *     await(stream_print(my->server, "GET / HTTP/1.0\r\n\r\n"));
 *
 * TLS is put on a stream that is there already, in place: the stream stays yours, and all calls of
 * stream.h and buffer.h mean what they meant. So a connection may begin in the clear (STARTTLS):
 * what was received and not taken before counts as part of the handshake, so that nothing which
 * came in the clear is taken for something that was protected.
 *
 * The peer is verified, unless a config says otherwise: its certificate has to lead to one of the
 * authorities, to be valid now, and to have the name or the IP address that the client asks for.
 * bide_tls_error_text tells in words what was wrong.
 *
 * Versions: TLS 1.2 and 1.3. There is no renegotiation, no compression, and no early data.
 *
 * The end: bide_stream_finish and bide_stream_end tell the peer that no more comes (close_notify).
 * If the connection ends without that, something may have been cut off: reading fails with
 * ECONNRESET, and not with the end. bide_stream_close alone tells nothing.
 *
 * A stream with an idle limit (bide_stream_set_idle) is aborted when the limit is exceeded. A write
 * that fails or is canceled may have sent a part, even if bide_stream_written returns 0: from then
 * on writing fails with EPIPE. So it does if a read is canceled while it answers an update of keys.
 *
 * Threads: as stream.h says. After bide_stream_split one function may read while another one
 * writes. They share a lock for the time of the encryption, and never while they wait.
 *
 * Memory of a connection that waits: what OpenSSL holds for it, some ten KiB, without buffers.
 */
#ifndef BIDE_TLS_H
#define BIDE_TLS_H

#include "stream.h"

/* What the ends of connections have in common: certificates, authorities, rules. Counted. */
typedef struct bide_tls_config bide_tls_config;

typedef enum bide_tls_version {
	BIDE_TLS_DEFAULT = 0, /* TLS 1.2 */
	BIDE_TLS_1_2 = 0x0303,
	BIDE_TLS_1_3 = 0x0304
} bide_tls_version;

/* What a server wants of its clients. */
typedef enum bide_tls_client_certificate {
	BIDE_TLS_NOT_ASKED = 0,
	BIDE_TLS_ASKED,   /* one that comes is verified; none is all right */
	BIDE_TLS_REQUIRED /* without a certificate there is no connection */
} bide_tls_client_certificate;

/*
 * A certificate with its key, in PEM. The certificates that lead to the authority follow the first
 * one. Each of the two is a file or a text.
 */
typedef struct bide_tls_identity {
	const char *certificate_file, *certificate_text;
	const char *key_file, *key_text;
} bide_tls_identity;

typedef struct bide_tls_options {
	/*
	 * What identifies this end. A server needs one at least. With several it shows the one that has
	 * the name which the client asks for, or else the first. A client shows the first, if it is
	 * asked.
	 */
	const bide_tls_identity *identities;
	size_t identity_count;
	/* The authorities that are trusted, in PEM: a file or a text. Both NULL: the system's. */
	const char *authorities_file, *authorities_text;
	/*
	 * Protocols above TLS (ALPN), with commas, the best one first: "h2,http/1.1". If both ends have
	 * some, and none in common, there is no connection. NULL: none is agreed on.
	 */
	const char *protocols;
	bide_tls_version version_min;
	bide_tls_client_certificate client_certificate;
	/* Any peer will do. Only for tests, and where something else identifies the peer. */
	bool do_not_verify;
	/* Where bide_tls_config_create tells in words what was wrong. May be NULL. */
	char *error_text;
	size_t error_text_bytes;
} bide_tls_options;

enum { BIDE_TLS_FINGERPRINT_BYTES = 32 };

/* What a handshake has agreed on. The texts are valid until the stream is closed. */
typedef struct bide_tls_info {
	const char *version;  /* "TLSv1.3" */
	const char *cipher;   /* "TLS_AES_256_GCM_SHA384" */
	const char *protocol; /* by ALPN; "" if none */
	const char *host;     /* the name that the client asked for; "" if none */
	bool is_resumed;      /* without certificates, by what both ends knew from before */
	bool has_peer; /* the peer has shown a certificate. Otherwise what follows is "" and 0. */
	const char *peer_subject;                                   /* "CN=example.org,O=Example" */
	const char *peer_names;                                     /* "example.org, www.example.org" */
	unsigned char peer_fingerprint[BIDE_TLS_FINGERPRINT_BYTES]; /* SHA-256 of the certificate */
} bide_tls_info;

BIDE_BEGIN_DECLS

/*
 * Makes a config. The options are copied; NULL: all defaults, which do for a client. It reads
 * files, so call it when the program begins. Returns 0, or stores NULL and returns an error:
 * ENOENT, EACCES and the like: a file cannot be read. EBADMSG: what is in it, or in a text, is not
 * what it should be. EKEYREJECTED: the key is not that of the certificate. EINVAL (misuse). ENOMEM.
 */
BIDE_API BIDE_USE_RESULT int bide_tls_config_create(bide_tls_config **config,
                                                    const bide_tls_options *options);
BIDE_API bide_tls_config *bide_tls_config_ref(bide_tls_config *config);
/* NULL does nothing. */
BIDE_API void bide_tls_config_unref(bide_tls_config *config);

/*
 * Puts TLS on a stream, as the client: the handshake. The result is 0. host is the name or the IP
 * address of the server, which its certificate must have as a subjectAltName: the common name does
 * not count. It is copied. NULL is allowed only if config says do_not_verify. config: NULL for all
 * defaults. The call takes a reference of its own.
 *
 * The handshake is under the context of the caller, with its deadline. While it lasts, other calls
 * on the stream are misuse. If it fails or is canceled, the stream is good for bide_stream_close
 * only: all else fails with the same error.
 *
 * EKEYREJECTED: the certificate is not trusted, or has other names, or there is none. EKEYEXPIRED:
 * it is not valid any more, or not yet. EKEYREVOKED. EPROTO: the peer speaks no TLS, or none that
 * both ends allow, or it has refused. ECONNRESET: the connection ended meanwhile. EINVAL (misuse):
 * no host, or one that is neither a name nor an address. Those of bide_stream_layer. ENOMEM.
 *
 * Cost: 0.1 to 2 ms of a CPU for both ends, in functions that other workers can take.
 */
BIDE_API BIDE_USE_RESULT bide_value_task bide_tls_start_client(bide_stream *stream,
                                                               const char *host,
                                                               bide_tls_config *config);
/*
 * Does the same as the server. The config has an identity; else it is misuse. A client certificate
 * that is required and missing: EKEYREJECTED.
 */
BIDE_API BIDE_USE_RESULT bide_value_task bide_tls_start_server(bide_stream *stream,
                                                               bide_tls_config *config);

/*
 * Returns what was wrong with the handshake or the connection, in words: "the certificate of
 * example.org expired on 2026-01-31 12:00:00 UTC". Returns "" if nothing was, or if the stream has
 * no TLS. Valid until the stream is closed. Call it when the call that failed is over.
 */
BIDE_API const char *bide_tls_error_text(const bide_stream *stream);
/*
 * Stores what the handshake agreed on. Returns 0; EBADF: the stream has no TLS, or the handshake is
 * not over; ENOMEM; EINVAL (misuse).
 */
BIDE_API BIDE_USE_RESULT int bide_tls_info_get(const bide_stream *stream, bide_tls_info *info);

BIDE_END_DECLS
#endif
