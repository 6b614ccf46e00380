/* fuzz_zip.c - any bytes as a zip archive, each entry located; then as a torch file. */
#include <stddef.h>
#include <stdint.h>

#include "core/checkpoint/ziparchive.h"
#include "tests/fuzz/fuzz_tensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    pf_zip *zip;
    pf_err err = PF_ERR_INIT;
    pf_source source;
    pf_source_open_bytes(&source, data, n);
    if (pf_zip_open(&zip, &source, &err)) {
        for (size_t i = 0; i < pf_zip_count(zip); i++) {
            const pf_zip_entry *e = pf_zip_at(zip, i);
            uint64_t at;
            if (pf_zip_find(zip, e->name, e->name_size) != e)
                abort();
            if (pf_zip_locate(zip, e, &at, &err))
                fuzz_touch(data + at, (size_t)e->size);
        }
        pf_zip_close(zip);
    }
    fuzz_read_tensors(data, n);
    return 0;
}
