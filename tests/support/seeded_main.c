/* seeded_main.c - pf-seeded-catalog MODEL CATALOG N [plain|twins|measured [TEXTS]]:
 * writes the tiny model of noise unless it is there, and a catalog of N seeded images;
 * "plain" leaves captions out, with "twins" some images are alike, "measured" is for
 * benches: the model computes as fast as it may, there are thumbnails, and the lines of
 * TEXTS are captions. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/file.h"
#include "tests/support/seeded.h"

int main(int argc, char **argv)
{
    if (argc < 4 || argc > 6) {
        fprintf(stderr, "usage: pf-seeded-catalog MODEL CATALOG N "
                        "[plain|twins|measured [TEXTS]]\n");
        return 2;
    }
    pf_err err = PF_ERR_INIT;
    const int n = (int)strtol(argv[3], NULL, 10);
    const char *how = argc > 4 ? argv[4] : "", *texts = argc == 6 ? argv[5] : NULL;
    if ((pf_path_exists(argv[1]) || pf_seeded_model_write(argv[1], &err)) &&
        (strcmp(how, "twins") == 0 ? pf_seeded_twins_write(argv[2], argv[1], n, &err)
         : strcmp(how, "measured") == 0
             ? pf_seeded_measured_write(argv[2], argv[1], n, texts, &err)
             : pf_seeded_catalog_write(argv[2], argv[1], NULL, n, argc == 4, &err)))
        return 0;
    fprintf(stderr, "pf-seeded-catalog: %s\n", err.msg);
    return 1;
}
