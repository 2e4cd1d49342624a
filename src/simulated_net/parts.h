/*
 * parts.h - what the sources of the simulated network share. No other source includes it. The words
 * and the states stand in net.h.
 */
#ifndef BIDE_SIMULATED_NET_PARTS_H
#define BIDE_SIMULATED_NET_PARTS_H

#include <bide/simulated_net.h>

#include "simulated_net/net.h"
#include "source/timer.h"

enum {
	BIDE_NET_BUFFER_BYTES_ = 65536, /* the default of each buffer */
	BIDE_NET_SEGMENT_BYTES_ = 1460,
	BIDE_NET_PAUSE_NS_ = 1000, /* after a short write, until the next one */
	BIDE_NET_LOCALHOST_ = 0x7F000001
};

/* No time at all. */
#define BIDE_NET_NEVER_ INT64_MAX

typedef struct bide_net_host bide_net_host;
typedef struct bide_net_path bide_net_path;
typedef struct bide_net_socket bide_net_socket;

struct bide_net_host {
	bide_net_host *next;
	bide_cancel_source *life; /* canceled by a crash; made when a context needs it */
	bide_net_path *paths;     /* that begin here */
	uint32_t ip;
	uint16_t next_port;
	bool is_down;
	char name[]; /* ends with a zero */
};

struct bide_net_path {
	bide_net_path *next, *back;
	bide_net_host *from, *to;
	bide_simulated_link link; /* if is_set; else the default holds */
	bool is_set, is_cut;
	int64_t busy_until_ns; /* the last byte sent is on its way */
	uint64_t busy_rest;    /* the fraction of it, in 1 / bytes_per_second ns */
};

typedef enum bide_net_state {
	BIDE_NET_LISTENING_,
	BIDE_NET_CONNECTING_,
	BIDE_NET_HALF_,
	BIDE_NET_CONNECTED_,
	BIDE_NET_OVER_
} bide_net_state;

typedef struct bide_net_segment {
	struct bide_net_segment *next;
	int64_t arrives_ns;
	uint32_t size_bytes, taken_bytes;
	char data[];
} bide_net_segment;

struct bide_net_socket {
	bide_timer timer; /* is part of the socket */
	bide_observer due;
	int number;
	bide_net_state state;
	bide_net_host *host;
	bide_net_place local, remote;
	bide_net_options options;
	bide_net_event *event; /* NULL before bide_net_watch_ */
	uint64_t key;
	uint32_t news;
	/* --- of a listener --- */
	bide_net_socket *queue, **queue_end; /* to be accepted, the oldest first */
	unsigned queue_count;                /* with those that are HALF */
	/* --- of an end --- */
	bide_net_socket *other;    /* or NULL: it is gone */
	bide_net_socket *listener; /* of one that was not accepted; or NULL */
	bide_net_socket *next_in_queue;
	bide_net_path *out; /* to the other host */
	int error;          /* the next call fails with it */
	bool is_crashed;    /* with its host; the error stays */
	bool has_end, has_shut, is_blocked, is_lost, is_refused;
	unsigned tries; /* SYNs sent */
	bide_net_segment *first, *last, *pending;
	size_t ready_bytes;   /* before `pending` */
	size_t unacked_bytes; /* sent and not acknowledged */
	size_t window_bytes;  /* the most that may be unacknowledged */
	size_t ack_bytes, owed_bytes;
	int64_t last_out_ns; /* arrival of the last thing that it sent */
	int64_t fin_ns, reset_ns, ack_ns, handshake_ns;
	int64_t retry_ns;   /* CONNECTING: when the next SYN goes */
	int64_t syn_ns;     /* CONNECTING: when the SYN arrives at the other host */
	int64_t stalled_ns; /* since when nothing gets through of what it sent */
	int64_t paused_ns;  /* until when a short write lets nothing more be written */
};

/* --- the network (state.c, net.c) --- */

typedef struct bide_net {
	bide_net_host *hosts, *local; /* local: the default host, the last of the list */
	uint32_t next_ip;
	bide_simulated_link link; /* the default of all paths */
	bide_net_socket **sockets;
	void (*due)(bide_observer *listener, bide_source *done); /* of the timers: bide_net_due_ */
	size_t socket_places, first_free; /* first_free: no lower number is free; 0: 1 */
} bide_net;

extern BIDE_INTERNAL bide_net bide_net_;

/* Makes the default host, if there is none. Returns 0, or the error as bide_net_usable_; ENOMEM. */
BIDE_INTERNAL int bide_net_begin_(void);
/* Returns a number from 0 to limit - 1, which is in the hash. */
BIDE_INTERNAL uint64_t bide_net_draw_(uint64_t limit);
/* Draws whether something happens that has this chance. */
BIDE_INTERNAL bool bide_net_happens_(uint32_t per_million);

/* --- hosts (host.c) --- */

/* Returns a new host with the next address, or NULL. */
BIDE_INTERNAL bide_net_host *bide_net_host_new_(const char *name);
/* Returns the host on which the current function runs. */
BIDE_INTERNAL bide_net_host *bide_net_host_current_(void);
/* Returns the host of an address, seen from a host; or NULL. */
BIDE_INTERNAL bide_net_host *bide_net_host_at_(bide_net_host *from, uint32_t ip);
/* Returns the host of a name, or NULL. */
BIDE_INTERNAL bide_net_host *bide_net_host_find_(const char *name);
/* Returns a new context for functions on the host, or NULL. */
BIDE_INTERNAL bide_context *bide_net_host_context_(bide_net_host *host);

/* --- names (names.c) --- */

/*
 * Stores the host of a name. If there is none, or the network cannot be used, reports misuse of
 * `what`, and returns the error.
 */
BIDE_INTERNAL int bide_net_host_named_(bide_net_host **host, const char *name, const char *what);

/* --- paths (path.c) --- */

/*
 * Returns the path between two hosts. The first call makes it, and the way back. Returns NULL if
 * there is no memory.
 */
BIDE_INTERNAL bide_net_path *bide_net_path_(bide_net_host *from, bide_net_host *to);
BIDE_INTERNAL const bide_simulated_link *bide_net_link_(const bide_net_path *path);
/* Draws the delay of something without bytes. */
BIDE_INTERNAL int64_t bide_net_delay_(const bide_net_path *path);
/* Returns when the last of size_bytes bytes that are sent now arrives, in order behind *last_ns. */
BIDE_INTERNAL int64_t bide_net_arrival_(bide_net_path *path, size_t size_bytes, int64_t *last_ns);

/* --- sockets (socket.c) --- */

static inline bide_net_socket *bide_net_socket_(int number)
{
	return bide_net_.sockets[number];
}
/* Returns a new socket of a host, or NULL. */
BIDE_INTERNAL bide_net_socket *bide_net_socket_new_(bide_net_host *host, bide_net_state state,
                                                    const bide_net_options *options);
/* Frees it. Nothing refers to it any more. */
BIDE_INTERNAL void bide_net_socket_free_(bide_net_socket *socket);
/* Returns a listener of the host that takes connections to this place; or NULL. */
BIDE_INTERNAL bide_net_socket *bide_net_listener_at_(const bide_net_host *host, bide_net_place at);
/* Stores a place that is free on the host. Returns 0, EADDRINUSE or EADDRNOTAVAIL. */
BIDE_INTERNAL int bide_net_bind_(bide_net_host *host, bide_net_place *place, bool listens);
/* Arms the timer for what comes first. */
BIDE_INTERNAL void bide_net_rearm_(bide_net_socket *socket);
/* Tells io of events, soon. */
BIDE_INTERNAL void bide_net_tell_(bide_net_socket *socket, uint32_t events);

/* --- connections: what reaches an end, and its end (end.c) --- */

/* The other end is gone. */
BIDE_INTERNAL void bide_net_other_gone_(bide_net_socket *socket);
/* Returns true if something that it sent has not arrived. */
BIDE_INTERNAL bool bide_net_has_under_way_(const bide_net_socket *socket);
/* Sends what is lost once more: the other's host runs again, or the path is whole. */
BIDE_INTERNAL void bide_net_retry_(bide_net_socket *socket);
/* Something that it sends cannot arrive now, and the time limit runs. */
BIDE_INTERNAL void bide_net_stall_(bide_net_socket *socket);
/* A RST is on its way to the end, and arrives then, unless one comes before. */
BIDE_INTERNAL void bide_net_send_reset_(bide_net_socket *to, int64_t arrives_ns);
/* The connection is over for this end, with that error. */
BIDE_INTERNAL void bide_net_fail_(bide_net_socket *socket, int error);
/* The end sent something to an other that is gone. */
BIDE_INTERNAL void bide_net_sent_in_vain_(bide_net_socket *socket);
/* The other end has read size_bytes bytes. */
BIDE_INTERNAL void bide_net_owe_(bide_net_socket *socket, size_t size_bytes);
/* The path to the end is whole again: what was held up comes. */
BIDE_INTERNAL void bide_net_resume_(bide_net_socket *socket);
/* All that has arrived at the end by now. */
BIDE_INTERNAL void bide_net_arrive_(bide_net_socket *socket, int64_t now_ns);
/* Its host has crashed. */
BIDE_INTERNAL void bide_net_crash_(bide_net_socket *socket);

/* The function of all timers (due.c). */
BIDE_INTERNAL void bide_net_due_(bide_observer *listener, bide_source *done);

/* --- the handshake (handshake.c) --- */

/* Of an end that is CONNECTING: what is due by now. */
BIDE_INTERNAL void bide_net_handshake_(bide_net_socket *socket, int64_t now_ns);
/* Sends a SYN. The timer has to be armed anew. */
BIDE_INTERNAL void bide_net_send_syn_(bide_net_socket *socket);

/* --- the queue of a listener (queue.c) --- */

/* A HALF has become a connection. */
BIDE_INTERNAL void bide_net_enter_queue_(bide_net_socket *socket);
/* A HALF, or what is in the queue of a listener, leaves it. */
BIDE_INTERNAL void bide_net_leave_queue_(bide_net_socket *socket);

#endif
