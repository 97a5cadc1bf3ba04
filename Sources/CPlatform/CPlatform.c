#define _GNU_SOURCE
#include "CPlatform.h"
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

int weir_pin_current_thread(int cpu) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    return pthread_setaffinity_np(pthread_self(), sizeof set, &set);
}

int weir_allowed_cpus(int *cpus, int limit) {
    /* The kernel refuses a set smaller than its own; machines with more than 8,192 processors aren't known. */
    enum { largest = 8192 };
    cpu_set_t *set = CPU_ALLOC(largest);
    if (set == NULL) {
        errno = ENOMEM;
        return -1;
    }
    size_t size = CPU_ALLOC_SIZE(largest);
    CPU_ZERO_S(size, set);
    int count = -1;
    if (sched_getaffinity(0, size, set) == 0) {
        count = 0;
        for (int cpu = 0; cpu < largest && count < limit; cpu++)
            if (CPU_ISSET_S(cpu, size, set)) cpus[count++] = cpu;
    }
    CPU_FREE(set);
    return count;
}

int weir_name_current_thread(const char *name) {
    char text[16] = {0};
    strncpy(text, name, sizeof text - 1);
    return pthread_setname_np(pthread_self(), text);
}

int weir_yield_to_other_threads(int nice) {
    return setpriority(PRIO_PROCESS, (id_t)gettid(), nice) == 0 ? 0 : errno;
}

const char *weir_errno_name(int code) { return strerrorname_np(code); }

int weir_terminal_width(int descriptor) {
    struct winsize size;
    memset(&size, 0, sizeof size);
    return ioctl(descriptor, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

int weir_open_unnamed(const char *directory) { return open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600); }

int weir_punch_hole(int descriptor, long long offset, long long length) {
    return fallocate(descriptor, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, length);
}

static int signal_pipe[2] = {-1, -1};
static struct sigaction previous_interrupt, previous_terminate;

/* Runs on whichever thread the kernel picks, between any two instructions: only write(2) and errno are allowed. */
static void report_signal(int number) {
    int saved = errno;
    unsigned char byte = (unsigned char)number;
    /* A full pipe holds thousands of unread signals: one more says nothing new. */
    ssize_t written = write(signal_pipe[1], &byte, 1);
    (void)written;
    errno = saved;
}

int weir_watch_signals(void) {
    if (pipe2(signal_pipe, O_CLOEXEC) != 0) return -1;
    fcntl(signal_pipe[1], F_SETFL, O_NONBLOCK);
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = report_signal;
    action.sa_flags = SA_RESTART;
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, &previous_interrupt);
    sigaction(SIGTERM, &action, &previous_terminate);
    return signal_pipe[0];
}

void weir_accept_signals(void) {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_UNBLOCK, &signals, NULL);
}

void weir_unwatch_signals(void) {
    sigaction(SIGINT, &previous_interrupt, NULL);
    sigaction(SIGTERM, &previous_terminate, NULL);
    /* Closing the writing end wakes the reader; the reading end is the reader's to close. */
    close(signal_pipe[1]);
}

void weir_return_large_blocks(int bytes) {
    /* Setting either also keeps malloc from raising both by itself with each large block that is freed. */
    mallopt(M_MMAP_THRESHOLD, bytes);
    mallopt(M_TRIM_THRESHOLD, 2 * bytes);
}
