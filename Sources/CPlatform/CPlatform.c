#define _GNU_SOURCE
#include "CPlatform.h"
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

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

const char *weir_errno_name(int code) { return strerrorname_np(code); }

int weir_terminal_width(int descriptor) {
    struct winsize size;
    memset(&size, 0, sizeof size);
    return ioctl(descriptor, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}
