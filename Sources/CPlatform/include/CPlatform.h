#ifndef WEIR_CPLATFORM_H
#define WEIR_CPLATFORM_H
/* What Glibc's Swift module can't express: macros and functions behind _GNU_SOURCE. */
#include <stddef.h>

/* Pins the calling thread to one processor; 0 or an errno. */
int weir_pin_current_thread(int cpu);

/* Writes the processors that this process may use into `cpus`, at most `limit`; their number, or -1 with errno set. */
int weir_allowed_cpus(int *cpus, int limit);

/* Names the calling thread as tools show it: at most 15 bytes count; 0 or an errno. */
int weir_name_current_thread(const char *name);

/* Lets the calling thread have less of the processors than others want; 0 or an errno. */
int weir_yield_to_other_threads(int nice);

/* "ENOSPC" for ENOSPC; NULL for a number that isn't one. */
const char *weir_errno_name(int code);

/* Opens a file without a name on the disk of `directory`; the descriptor, or -1 with errno set. */
int weir_open_unnamed(const char *directory);

/* Gives the space of a range of a file back to the disk; 0, or -1 with errno set. */
int weir_punch_hole(int descriptor, long long offset, long long length);

/*
 * Catches SIGINT and SIGTERM: from now on each writes its number, a byte, to a pipe, whose reading end is returned;
 * -1 with errno set. At most one watch at a time.
 */
int weir_watch_signals(void);

/* Lets SIGINT and SIGTERM come to the calling thread, even if whoever started the process had them blocked. */
void weir_accept_signals(void);

/* Gives the signals their old meaning back and closes the writing end, so that the reader sees the end. */
void weir_unwatch_signals(void);

/* Makes malloc give blocks of more than `bytes` back to the kernel when they are freed. */
void weir_return_large_blocks(int bytes);

/* The width of the terminal behind a descriptor in columns; 0 where it is none or doesn't say. */
int weir_terminal_width(int descriptor);
#endif
