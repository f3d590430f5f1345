#include <stdio.h>

static int failed;

#define CHECK_EQUAL(want, got)                                                                     \
    do {                                                                                           \
        long w = (want), g = (got);                                                                \
        if (w != g) {                                                                              \
            printf("%s:%d: expected: %ld\n  got: %ld\n", __FILE__, __LINE__, w, g);                  \
            failed = 1;                                                                            \
        }                                                                                          \
    } while (0)
