// Nats of 63 bits, with the overflow test that compiled PLAN has to make: past them, the end.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

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

static inline int show(nat n) {
  printf("%llu\n", (unsigned long long)n);
  return 0;
}
