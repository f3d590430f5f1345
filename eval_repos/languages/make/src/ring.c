#include "ring.h"

void ring_put(struct ring *ring, int number)
{
    if (ring->count < RING_SIZE)
        ring->held[ring->count] = number;
    ring->count++;
}

int ring_get(const struct ring *ring, int back)
{
    return ring->held[ring->count - 1 - back];
}
