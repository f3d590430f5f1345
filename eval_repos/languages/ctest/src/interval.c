#include "interval.h"

int interval_overlap(struct interval one, struct interval other)
{
    return one.first <= other.last && other.first <= one.last;
}

size_t interval_join(struct interval *list, size_t count)
{
    size_t from, to = 0;

    for (from = 1; from < count; from++)
        if (interval_overlap(list[to], list[from]))
            list[to].last = list[from].last;
        else
            list[++to] = list[from];
    return to + 1;
}
