#include <assert.h>

#include "ring.h"

int main(void)
{
    struct ring ring = {{0}, 0};
    int number;

    for (number = 1; number <= 3; number++)
        ring_put(&ring, number);
    assert(ring_get(&ring, 0) == 3);
    for (; number <= 10; number++)
        ring_put(&ring, number);
    assert(ring_get(&ring, 0) == 10);
    assert(ring_get(&ring, RING_SIZE - 1) == 7);
    return 0;
}
