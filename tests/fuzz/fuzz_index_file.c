/*
 * fuzz_index_file.c - any bytes as an index file.
 *
 * Whoever makes a file can make all that is recorded about it, so the checksums are
 * those of the input, dim and count are those its header names, and lists are as many
 * as make its size. Checked for each: no crash; what is taken has as many bytes as such
 * an index needs, ids that ascend and vectors of length 1, and finds each of its
 * vectors by itself.
 */
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/base/span.h"
#include "core/catalog/vfile.h"
#include "core/catalog/vindex.h"
#include "tests/fuzz/require.h"
#include "tests/support/index_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* One file for all inputs; it has no name. */
static int put_into_file(const uint8_t *data, size_t size)
{
    static FILE *file;
    if (!file)
        file = tmpfile();
    require(file != NULL, "a temporary file");
    const int fd = fileno(file);
    require(ftruncate(fd, 0) == 0 && pwrite(fd, data, size, 0) == (ssize_t)size,
            "a file of the input's bytes");
    return fd;
}

static void check_vector(const pf_vindex *index, const pf_vindex_step *step)
{
    double sum = 0;
    for (int i = 0; i < pf_vindex_dim(index); i++)
        sum += (double)step->vector[i] * step->vector[i];
    require(fabs(sum - 1) < 3e-3, "a vector has length 1");
    int64_t id;
    float score;
    size_t count;
    pf_err err = PF_ERR_INIT;
    require(pf_vindex_search(index, step->vector, 1, 1, &step->id, 1, &id, &score,
                             &count, &err),
            err.msg);
    require(count == 1 && id == step->id, "a vector is found under its id");
    require(
        pf_vindex_search(index, step->vector, 1, 1, NULL, 0, &id, &score, NULL, &err),
        err.msg);
    const float *vector;
    require(pf_vindex_get(index, id, &vector, &err) && vector,
            "what is found is there");
}

static void check_index(const pf_vindex *index, size_t size, size_t n_lists)
{
    const size_t dim = (size_t)pf_vindex_dim(index), count = pf_vindex_count(index);
    require(size == pf_vfile_size((int)dim, count, n_lists),
            "an index is as long as its file");
    pf_vindex_step step = {0};
    pf_err err = PF_ERR_INIT;
    bool is_there;
    int64_t last = 0;
    size_t n = 0;
    for (;; n++) {
        require(pf_vindex_next(index, &step, &is_there, &err), err.msg);
        if (!is_there)
            break;
        require(step.id > last, "ids ascend");
        last = step.id;
        if (n < 4)
            check_vector(index, &step);
    }
    require(n == count, "an index has as many as it says");
}

/* As many as make a file of this size; none when it has the size of one without. */
static size_t lists_of(size_t size, uint32_t dim, uint64_t count)
{
    enum { MOST = 64 };
    if (dim == 0 || dim > 64 || count > 4096)
        return 0;
    size_t n = 0;
    while (n < MOST && pf_vfile_size((int)dim, (size_t)count, n) != size)
        n++;
    return n < MOST ? n : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    pf_span s = pf_span_of(data, size);
    uint32_t kind, dim = 0;
    uint64_t count = 0;
    if (!pf_span_u32le(&s, &kind) || !pf_span_u32le(&s, &dim) ||
        !pf_span_u64le(&s, &count))
        dim = 4;
    static uint8_t sealed[1 << 16];
    const size_t n = size < sizeof sealed ? size : sizeof sealed;
    memcpy(sealed, data, n);
    const pf_hash checksum = pf_index_file_seal(sealed, n);
    const pf_vfile_record record = {.checksum = checksum,
                                    .dim = (int)dim,
                                    .count = (size_t)count,
                                    .n_lists = lists_of(n, dim, count)};
    pf_vindex *index;
    pf_err err = PF_ERR_INIT;
    const bool ok =
        pf_vindex_read(&index, put_into_file(sealed, n), "input", &record, &err);
    if (ok)
        pf_vindex_set_probe(index, (record.n_lists + 1) / 2);
    if (ok)
        check_index(index, n, record.n_lists);
    else
        require(!index && (err.code == PF_ERR_FORMAT || err.code == PF_ERR_LIMIT),
                err.msg);
    pf_vindex_free(index);
    return 0;
}
