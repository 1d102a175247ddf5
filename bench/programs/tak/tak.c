#include "nat.h"

static nat tak(nat x, nat y, nat z) {
  if (x <= y) return z;
  return tak(tak(sub(x, 1), y, z), tak(sub(y, 1), z, x), tak(sub(z, 1), x, y));
}

int main(void) { return show(tak(24, 16, 8)); }
