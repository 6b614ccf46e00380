/*
 * write.c - see write.h.
 */
#include "data/phantoms/write.h"

#include "core/base/mem.h"

#define STBIW_MALLOC(size) pf_zalloc(size, NULL)
#define STBIW_FREE(p) pf_free(p)
#define STBIW_REALLOC(p, size) resize(p, size)
#define STB_IMAGE_WRITE_STATIC
#define STB_IMAGE_WRITE_IMPLEMENTATION

static void *resize(void *p, size_t size)
{
    return pf_resize_array(&p, size, 1, NULL) ? p : NULL;
}

#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#endif
#include <stb/stb_image_write.h>
#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif

bool ph_write_png(const char *path, const uint8_t *grey, int size, pf_err *err)
{
    if (!stbi_write_png(path, size, size, 1, grey, size))
        return pf_fail(err, PF_ERR_IO, "cannot write '%s'", path);
    return true;
}

bool ph_write_jpeg(const char *path, const uint8_t *grey, int size, int quality,
                   pf_err *err)
{
    if (!stbi_write_jpg(path, size, size, 1, grey, quality))
        return pf_fail(err, PF_ERR_IO, "cannot write '%s'", path);
    return true;
}
