/*
 * send_file.h - an operation that writes a piece of a file to a socket by sendfile(2), without a
 * copy through memory of the program.
 *
 * sendfile waits for the disk, even where file and socket do not block. So an attempt sends only
 * what is in memory, and has been read from the disk. cachestat(2) tells the first, but counts what
 * the system is still reading. One byte of each BIDE_SEND_FILE_STEP_, tried with RWF_NOWAIT, tells
 * the second: the system reads ahead in no smaller steps. What one of them denies is read by the
 * caller, on a thread where it has to wait.
 *
 * The socket refers to the memory of the file until the peer has it. So only a file that is open
 * for reading alone is sent: what a program writes to its own file after a copy is not sent.
 */
#ifndef BIDE_IO_SEND_FILE_H
#define BIDE_IO_SEND_FILE_H

#include "io/stream.h"

enum {
	BIDE_SEND_FILE_STEP_ = 16 * 1024,
	BIDE_SEND_FILE_FIRST_ = 64 * 1024, /* what has less is read: that costs as little */
	BIDE_SEND_FILE_MAX_ = 256 * 1024   /* of an attempt, which takes some 15 us */
};

/* In the memory of the caller until the operation is over. All zeroes at first. */
typedef struct bide_sent_file {
	int fd;
	int64_t *at;      /* of the next byte; the operation moves it */
	size_t max_bytes; /* the caller's limit */
	bool has_sent;
	bool is_refused; /* this file does not go this way: do not try again */
} bide_sent_file;

/*
 * Stores what `file` needs if the next bytes of `from`, whose buffer is empty, may go to `to` this
 * way: it is a file, and `to` a socket without a layer, which has nothing unsent.
 */
BIDE_INTERNAL bool bide_send_file_is_possible_(const bide_stream *from, const bide_stream *to,
                                               bide_sent_file *file);
/*
 * Writes a piece. The result is how many bytes; 0: the next bytes are to be read. If it fails,
 * nothing of this piece has gone. The caller has the reading side of the stream over the file,
 * and keeps it open.
 */
BIDE_INTERNAL bide_value_task bide_send_file_(bide_stream *to, bide_sent_file *file);

/*
 * If it is not NULL: stores the descriptor and the position of a stream over a file. Returns false
 * if the type is another one, or the file is not to be sent. Atomic.
 */
extern BIDE_INTERNAL bool (*bide_send_file_of_)(const bide_stream_type *type, void *object,
                                                bide_sent_file *file);

#endif
