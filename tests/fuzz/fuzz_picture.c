/*
 * fuzz_picture.c - any bytes as a picture, then all the way to the model's input.
 *
 * The name "x.tga" lets bytes without a signature reach the TGA reader. Small limits
 * keep a run from spending its time on clearing memory.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "core/image/preprocess.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const pf_picture_limits limits = {.max_file_bytes = 1 << 20, .max_pixels = 200000};
    pf_err err = PF_ERR_INIT;
    pf_picture picture;
    pf_preprocess recipe;
    uint8_t rgb[16 * 16 * 3];
    if (!pf_picture_decode(&picture, data, size, "x.tga", 0, &limits, &err)) {
        if (picture.rgb || err.code == PF_OK || err.msg[0] == '\0')
            abort(); /* a refusal has a reason and leaves nothing behind */
        return 0;
    }
    pf_preprocess_init_clip(&recipe, 16);
    if (!pf_preprocess_pixels(&recipe, &picture, rgb, &err))
        abort();
    pf_picture_reset(&picture);
    return 0;
}
