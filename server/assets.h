/*
 * assets.h - the files of the page, as they were when the program was built
 * (embed_files.cmake): nothing is read from a disk, so no path leads anywhere else.
 */
#ifndef PF_SERVER_ASSETS_H
#define PF_SERVER_ASSETS_H

#include <stddef.h>

typedef struct {
    const char *path; /* "/app.css"; "/" is index.html */
    const char *type; /* Content-Type */
    const unsigned char *bytes;
    size_t size;
} asset;

extern const asset assets[];
extern const size_t n_assets;

/* NULL: there is none. */
const asset *asset_find(const char *path);

#endif
