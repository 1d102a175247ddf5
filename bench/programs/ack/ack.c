#include "nat.h"

static nat ack(nat m, nat n) {
  if (m == 0) return add(n, 1);
  if (n == 0) return ack(sub(m, 1), 1);
  return ack(sub(m, 1), ack(m, sub(n, 1)));
}

int main(void) { return show(ack(3, 9)); }
