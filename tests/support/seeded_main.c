/* seeded_main.c - pf-seeded-catalog MODEL CATALOG N [plain]: writes the tiny model of
 * noise unless it is there, and a catalog of N seeded images; "plain" leaves captions
 * out. */
#include <stdio.h>
#include <stdlib.h>

#include "core/base/file.h"
#include "tests/support/seeded.h"

int main(int argc, char **argv)
{
    if (argc != 4 && argc != 5) {
        fprintf(stderr, "usage: pf-seeded-catalog MODEL CATALOG N [plain]\n");
        return 2;
    }
    pf_err err = PF_ERR_INIT;
    const int n = (int)strtol(argv[3], NULL, 10);
    if ((pf_path_exists(argv[1]) || pf_seeded_model_write(argv[1], &err)) &&
        pf_seeded_catalog_write(argv[2], argv[1], NULL, n, argc == 4, &err))
        return 0;
    fprintf(stderr, "pf-seeded-catalog: %s\n", err.msg);
    return 1;
}
