/* assets.c - see assets.h; the table is in the generated asset_table.c. */
#include "server/assets.h"

#include <string.h>

const asset *asset_find(const char *path)
{
    for (size_t i = 0; i < n_assets; i++) {
        if (strcmp(assets[i].path, path) == 0)
            return &assets[i];
    }
    return NULL;
}
