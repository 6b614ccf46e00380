/* fuzz_phrases.c - a file of phrases from any bytes: what comes out is text, trimmed,
 * from ascending lines. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/utf8.h"
#include "core/search/phrases.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must(bool holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    pf_phrases p = {0};
    pf_err err = PF_ERR_INIT;
    const bool ok = pf_phrases_parse(&p, (const char *)data, n, "f", &err);
    must(ok ? p.n > 0 : err.msg[0] != '\0' && p.n == 0);
    for (size_t i = 0; i < p.n; i++) {
        const size_t length = strlen(p.text[i]);
        must(length > 0 && length <= PF_PHRASE_MAX_BYTES);
        must(pf_utf8_is_valid(p.text[i], length));
        must(p.text[i][0] != ' ' && p.text[i][length - 1] != ' ');
        must(p.line[i] > (i > 0 ? p.line[i - 1] : 0) && p.line[i] <= n);
    }
    pf_phrases_reset(&p);
    return 0;
}
