/*
 * fuzz_mirc.c - any bytes as a MIRC document: read, or refused with a reason; what is
 * kept is text without line ends, of pictures that are there, and an owner never sees
 * less than others.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "core/base/utf8.h"
#include "indexer/mirc_document.h"
#include "tests/fuzz/require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const pf_mirc_document *d)
{
    for (size_t i = 0; i < d->n_texts; i++) {
        const pf_mirc_text *t = &d->texts[i];
        const size_t n = strlen(t->value);
        require(n > 0 && !strpbrk(t->value, "\t\r\n"), "a text is a line");
        require(pf_utf8_is_valid(t->value, n), "it is UTF-8");
        require(t->image <= d->n_images, "its picture is there");
        require(!t->key || t->key[0], "a key has a name");
    }
}

static size_t read_as(const uint8_t *data, size_t size, bool as_owner)
{
    pf_mirc_document d;
    pf_err err = PF_ERR_INIT;
    const bool ok = pf_mirc_document_read(&d, pf_span_of(data, size), as_owner, &err);
    require(ok || (d.is_mirc && err.msg[0]), "a failure has a reason");
    if (ok)
        check(&d);
    const size_t n = ok ? d.n_images : 0;
    pf_mirc_document_reset(&d);
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const size_t all = read_as(data, size, true), some = read_as(data, size, false);
    require(some <= all, "owners see no less");
    return 0;
}
