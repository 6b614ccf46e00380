/* version.c - which library this is, and what it may be told of its host. */
#include "core/catalog/blas.h"
#include "core/version.h"
#include "include/plainfilm.h"

const char *pf_version(void)
{
    return PF_VERSION;
}

const char *pf_code_name(pf_code code)
{
    static const char *const names[] = {
        [PF_OK] = "ok",
        [PF_ERR_NOMEM] = "no_memory",
        [PF_ERR_IO] = "io",
        [PF_ERR_NOT_FOUND] = "not_found",
        [PF_ERR_FORMAT] = "format",
        [PF_ERR_UNSUPPORTED] = "unsupported",
        [PF_ERR_LIMIT] = "limit",
        [PF_ERR_MISUSE] = "misuse",
        [PF_ERR_MISMATCH] = "mismatch",
        [PF_ERR_BUSY] = "busy",
        [PF_ERR_INTERRUPTED] = "interrupted",
    };
    return (size_t)code < sizeof names / sizeof *names ? names[code] : "unknown";
}

void pf_use_one_blas_thread(void)
{
    pf_blas_set_threads(1);
}
