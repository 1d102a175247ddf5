#include "nat.h"

static nat fib(nat n) {
  if (n < 2) return n;
  return add(fib(sub(n, 2)), fib(sub(n, 1)));
}

int main(void) { return show(fib(32)); }
