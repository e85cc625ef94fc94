// Runs a code test's main and says on descriptor 3 that it came to its end with status 0.
#include <cstdio>
#include <unistd.h>

extern "C" int calisota_test_main(int, char **);

int main(int argc, char **argv)
{
    static const char record[] = "{\"completed\": true}";
    int status = calisota_test_main(argc, argv);
    std::fflush(nullptr);
    if (status == 0 && write(3, record, sizeof record - 1) < 0)
        return 4;
    return status;
}
