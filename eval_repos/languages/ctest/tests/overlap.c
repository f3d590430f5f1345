#include "check.h"
#include "interval.h"

int main(void)
{
    CHECK_EQUAL(1, interval_overlap((struct interval){1, 3}, (struct interval){3, 5}));
    CHECK_EQUAL(0, interval_overlap((struct interval){1, 2}, (struct interval){3, 5}));
    return failed;
}
