// Makes itself as unlikely to be killed for memory as the runner is.
// expect: accepted
// hole: the score that the runner sets may be lowered again, since only CAP_SYS_RESOURCE pins it
#include <stdio.h>

int main(void)
{
    FILE *file = fopen("/proc/self/oom_score_adj", "w");
    int lowered = file && fputs("0", file) >= 0 && fclose(file) == 0;
    puts(lowered ? "lowered" : "held");
}
