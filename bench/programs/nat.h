// Nats of 63 bits, with the overflow check that compiled PLAN needs. An overflow aborts the program.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

typedef uint64_t nat;

static inline nat add(nat a, nat b) {
  nat sum = a + b;
  if ((int64_t)(a | b | sum) < 0) abort();
  return sum;
}

static inline nat sub(nat a, nat b) {
  if ((int64_t)(a | b) < 0) abort();
  return a < b ? 0 : a - b;
}

static inline nat mod(nat a, nat b) {
  if ((int64_t)(a | b) < 0) abort();
  return b == 0 ? a : a % b;
}

static inline int64_t nanoseconds(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return 1000000000ll * t.tv_sec + t.tv_nsec;
}

static int64_t started, started_cpu;

__attribute__((constructor)) static void start(void) {
  started = nanoseconds(CLOCK_MONOTONIC);
  // Under a limit of CPU time, Linux advances the clock of the process only once in 4 ms.
  started_cpu = nanoseconds(CLOCK_THREAD_CPUTIME_ID);
}

// Prints the result, then the elapsed time and the CPU time.
static inline int show(nat n) {
  printf("%llu\n", (unsigned long long)n);
  fflush(stdout);
  long long time = nanoseconds(CLOCK_MONOTONIC) - started;
  long long cpu = nanoseconds(CLOCK_THREAD_CPUTIME_ID) - started_cpu;
  printf("time: %lld %lld\n", time, cpu);
  return 0;
}
