/* fuzz_safetensors.c - any bytes as a safetensors file, all tensors read. */
#include <stddef.h>
#include <stdint.h>

#include "tests/fuzz/fuzz_tensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    fuzz_read_tensors(data, n);
    return 0;
}
