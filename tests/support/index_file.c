/* index_file.c - see index_file.h. */
#include "tests/support/index_file.h"

#include <stdio.h>
#include <stdlib.h>

enum { BLOCK = 1 << 12 };

pf_hash pf_index_file_seal(uint8_t *bytes, size_t n)
{
    size_t blocks = 1;
    while (8 * blocks < n && (n - 8 * blocks + BLOCK - 1) / BLOCK > blocks)
        blocks++;
    if (8 * blocks >= n)
        return pf_hash_bytes(bytes, n);
    const size_t covered = n - 8 * blocks;
    for (size_t b = 0; b < blocks; b++) {
        const size_t at = b * BLOCK, left = at < covered ? covered - at : 0;
        uint64_t check = pf_hash_seeded(bytes + at, left < BLOCK ? left : BLOCK, b);
        for (size_t i = 0; i < 8; i++, check >>= 8)
            bytes[covered + 8 * b + i] = (uint8_t)check;
    }
    return pf_hash_bytes(bytes + covered, 8 * blocks);
}

pf_hash pf_index_file_seal_at(const char *path)
{
    pf_hash checksum = {{0}};
    FILE *f = fopen(path, "r+b");
    if (!f)
        return checksum;
    fseek(f, 0, SEEK_END);
    const long n = ftell(f);
    rewind(f);
    uint8_t *bytes = n > 0 ? calloc(1, (size_t)n) : NULL;
    if (bytes && fread(bytes, 1, (size_t)n, f) == (size_t)n) {
        checksum = pf_index_file_seal(bytes, (size_t)n);
        rewind(f);
        if (fwrite(bytes, 1, (size_t)n, f) != (size_t)n)
            checksum = (pf_hash){{0}};
    }
    free(bytes);
    fclose(f);
    return checksum;
}
