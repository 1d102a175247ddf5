#include "nat.h"

static nat loop(nat i, nat acc) {
  if (i == 0) return acc;
  return loop(sub(i, 1), add(acc, mod(i, 7)));
}

int main(int argc, char **argv) { return show(loop(9999999 + argc, 0)); }
