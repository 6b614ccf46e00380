/* hash.c - see hash.h. */
#include "core/base/hash.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <xxhash.h>
#ifdef PF_XXHASH_DISPATCH /* the same hashes, a third faster with AVX2 and AVX-512 */
#include <xxh_x86dispatch.h>
#endif

#include "core/base/file.h"
#include "core/base/mem.h"

/* XXH3_state_t asks for more alignment than the heap gives, so xxhash makes it itself.
 */
struct pf_hasher {
    XXH3_state_t *state;
};

static pf_hash canonical(XXH128_hash_t h)
{
    XXH128_canonical_t c;
    XXH128_canonicalFromHash(&c, h);
    pf_hash out;
    memcpy(out.b, c.digest, sizeof out.b);
    return out;
}

pf_hash pf_hash_bytes(const void *bytes, size_t n)
{
    return canonical(XXH3_128bits(n ? bytes : "", n));
}

uint64_t pf_hash_seeded(const void *bytes, size_t n, uint64_t seed)
{
    return XXH3_64bits_withSeed(bytes, n, seed);
}

bool pf_hash_file(pf_hash *out, const char *path, pf_err *err)
{
    int fd;
    if (!pf_file_open(&fd, path, err))
        return false;
    const bool ok = pf_hash_open_file(out, fd, path, err);
    close(fd);
    return ok;
}

bool pf_hash_open_file(pf_hash *out, int fd, const char *path, pf_err *err)
{
    enum { CHUNK = 1 << 18 };
    pf_hasher *h = pf_hasher_new(err);
    uint8_t *bytes = pf_alloc_array(CHUNK, 1, err);
    bool ok = h && bytes;
    ssize_t n = 0;
    for (off_t at = 0; ok && (n = pread(fd, bytes, CHUNK, at)) != 0;) {
        if (n > 0) {
            pf_hasher_add(h, bytes, (size_t)n);
            at += n;
        } else if (errno != EINTR) {
            ok = pf_fail_errno(err, errno, "cannot read '%s'", path);
        }
    }
    pf_free(bytes);
    if (ok)
        *out = pf_hasher_finish(h);
    else
        pf_hasher_free(h);
    return ok;
}

pf_hasher *pf_hasher_new(pf_err *err)
{
    pf_hasher *h = pf_zalloc(sizeof *h, err);
    if (!h)
        return NULL;
    h->state = XXH3_createState();
    if (!h->state) {
        pf_fail(err, PF_ERR_NOMEM, "out of memory (hash state)");
        pf_free(h);
        return NULL;
    }
    XXH3_128bits_reset(h->state);
    return h;
}

void pf_hasher_add(pf_hasher *h, const void *bytes, size_t n)
{
    if (n)
        XXH3_128bits_update(h->state, bytes, n);
}

pf_hash pf_hasher_finish(pf_hasher *h)
{
    pf_hash out = canonical(XXH3_128bits_digest(h->state));
    pf_hasher_free(h);
    return out;
}

void pf_hasher_free(pf_hasher *h)
{
    if (!h)
        return;
    XXH3_freeState(h->state);
    pf_free(h);
}

bool pf_hash_equal(const pf_hash *a, const pf_hash *b)
{
    return memcmp(a->b, b->b, sizeof a->b) == 0;
}

void pf_hash_hex(const pf_hash *h, char hex[PF_HASH_HEX_SIZE])
{
    for (size_t i = 0; i < sizeof h->b; i++)
        snprintf(hex + 2 * i, 3, "%02x", h->b[i]);
}
