/*
 * sandbox.h - pictures of unknown origin, decoded in a process that can harm nothing.
 *
 * The same as pf_intake_make(), for bytes that nobody vouches for: they are decoded by
 * plainfilm-decode (core/decoder), which has no files, no network and no other process,
 * and whose results are checked. One that dies, hangs or takes too much memory costs
 * the picture it was at, and is started again.
 *
 * All decoders of a process share PF_SANDBOX_MEMORY bytes for what pictures take while
 * they are decoded, the bytes of large files included; a large one waits until the
 * others are done.
 *
 * A pf_sandbox belongs to one thread. Its process is started when it is first needed.
 */
#ifndef PF_CORE_IMAGE_SANDBOX_H
#define PF_CORE_IMAGE_SANDBOX_H

#include "core/base/err.h"
#include "core/base/hash.h"
#include "core/image/intake.h"

#define PF_SANDBOX_MEMORY ((size_t)512 << 20)

typedef struct pf_sandbox pf_sandbox;

PF_MUST_CHECK bool pf_sandbox_new(pf_sandbox **out, pf_err *err);
/* Start its process if it does not run, to see whether that can be done at all. */
PF_MUST_CHECK bool pf_sandbox_start(pf_sandbox *sandbox, pf_err *err);
void pf_sandbox_free(pf_sandbox *sandbox); /* ends the process; NULL is fine */

/* Take a picture's bytes in for pf_sandbox_decode(), in place of those before. LIMIT:
 * more than pf_picture_limits allow. */
PF_MUST_CHECK bool pf_sandbox_put(pf_sandbox *sandbox, const uint8_t *bytes, size_t n,
                                  pf_err *err);
/* The same for a file, which is read in pieces: its bytes are in memory once, where the
 * decoder sees them. `within`: see pf_file_open_within(). *hash is that of what was
 * read. */
PF_MUST_CHECK bool pf_sandbox_read(pf_sandbox *sandbox, const char *path,
                                   const char *within, pf_hash *hash, pf_err *err);
/* The same for one that is open, from its beginning; `fd` stays the caller's. `path` is
 * for messages. */
PF_MUST_CHECK bool pf_sandbox_read_open(pf_sandbox *sandbox, int fd, const char *path,
                                        pf_hash *hash, pf_err *err);

/* Decode what was taken in, and forget it. As pf_intake_make(), and never PF_ERR_NOMEM
 * for what a picture takes: PF_ERR_LIMIT for one that needs too much memory or time,
 * PF_ERR_FORMAT for one the decoder died of. IO: there is no decoder. */
PF_MUST_CHECK bool pf_sandbox_decode(pf_sandbox *sandbox, pf_intake *intake,
                                     const pf_intake_options *options, pf_err *err);

/* What the decoders that were started had to do without, for people; NULL: nothing. */
const char *pf_sandbox_lack(void);

#endif
