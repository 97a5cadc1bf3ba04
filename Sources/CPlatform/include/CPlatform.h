#ifndef WEIR_CPLATFORM_H
#define WEIR_CPLATFORM_H
/* What Glibc's Swift module can't express: macros and variadic functions of the operating system. */
int weir_pin_current_thread(int cpu);
#endif
