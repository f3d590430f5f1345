#include "check.h"
#include "interval.h"

int main(void)
{
    struct interval nested[] = {{1, 9}, {2, 3}, {4, 5}, {20, 21}};
    struct interval touching[] = {{1, 2}, {3, 4}, {6, 7}};

    CHECK_EQUAL(2, interval_join(nested, 4));
    CHECK_EQUAL(9, nested[0].last);
    CHECK_EQUAL(2, interval_join(touching, 3));
    CHECK_EQUAL(4, touching[0].last);
    CHECK_EQUAL(0, interval_join(NULL, 0));
    return failed;
}
