#ifndef INTERVAL_H
#define INTERVAL_H

#include <stddef.h>

/* All numbers from `first` to `last`, both included. */
struct interval {
    int first;
    int last;
};

/* Whether two intervals have a number in common. */
int interval_overlap(struct interval one, struct interval other);

/* Joins intervals that overlap or touch, in place; they come sorted by `first`. Returns how many are left. */
size_t interval_join(struct interval *list, size_t count);

#endif
