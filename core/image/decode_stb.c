/*
 * decode_stb.c - stb_image, kept on a short lead; the one file that includes it.
 *
 * Compiled for BMP, TGA and PSD alone, and called after inspect.c found the file in
 * order. Its memory comes from mem.h: counted, zeroed (it leaves bytes unset where a
 * file is short) and freed by pf_free().
 */
#include <limits.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/image/decode.h"

static void *allocate(size_t size)
{
    return pf_zalloc(size, NULL); /* the reason is told by pf_stb_decode() */
}

#define STB_IMAGE_IMPLEMENTATION
#define STBI_NO_STDIO
#define STBI_NO_HDR
#define STBI_NO_LINEAR
#define STBI_ONLY_BMP
#define STBI_ONLY_TGA
#define STBI_ONLY_PSD
#define STBI_ASSERT(x) ((void)0) /* a file must not end the program */
#define STBI_MALLOC(size) allocate(size)
#define STBI_REALLOC(p, size) ((void)(p), (void)(size), (void *)NULL) /* not used */
#define STBI_FREE(p) pf_free(p)

#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#endif
#include <stb/stb_image.h>
#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif

#ifndef STBI_THREAD_LOCAL
#error "stb_image would share its failure reason between threads"
#endif

bool pf_stb_decode(pf_picture *out, pf_span file, uint64_t width, uint64_t height,
                   pf_err *err)
{
    size_t n = pf_span_left(&file);
    if (n > INT_MAX)
        return pf_fail(err, PF_ERR_LIMIT, "more than %d bytes", INT_MAX);
    int w, h, channels;
    uint8_t *rgb = stbi_load_from_memory(file.p, (int)n, &w, &h, &channels, 3);
    if (!rgb) {
        const char *reason = stbi_failure_reason();
        if (reason && strcmp(reason, "outofmem") == 0)
            return pf_fail(err, PF_ERR_NOMEM, "out of memory");
        return pf_fail(err, PF_ERR_UNSUPPORTED, "stb_image cannot read it: %s",
                       reason ? reason : "no reason given");
    }
    if (w < 0 || h < 0 || (uint64_t)w != width || (uint64_t)h != height) {
        pf_free(rgb);
        return pf_fail(err, PF_ERR_FORMAT, "two readings of its size differ");
    }
    out->rgb = rgb;
    out->width = w;
    out->height = h;
    return true;
}
