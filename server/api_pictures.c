/*
 * api_pictures.c - what is seen of an image: its thumbnail.
 */
#include "server/api.h"

#include <stdio.h>

#include "core/base/hash.h"
#include "server/problem.h"

/* The bytes are their own mark: whoever has them need not be sent them again. */
static void give_picture(const call *c, http_response *out, const char *type,
                         uint8_t *bytes, size_t n)
{
    char hex[PF_HASH_HEX_SIZE];
    const pf_hash hash = pf_hash_bytes(bytes, n);
    pf_hash_hex(&hash, hex);
    http_give(out, 200, type, (char *)bytes, n);
    snprintf(out->etag, sizeof out->etag, "\"%s\"", hex);
    out->cache = "private, max-age=3600";
    http_match(c->request, out);
}

work_result api_thumbnail(const call *c, http_response *out)
{
    pf_err err = PF_ERR_INIT;
    uint8_t *jpeg = NULL;
    size_t n;
    if (pf_reader_get_thumbnail(c->worker->reader, c->id, &jpeg, &n, &err))
        give_picture(c, out, "image/jpeg", jpeg, n);
    else
        problem_give(out, &err);
    return WORK_DONE;
}
