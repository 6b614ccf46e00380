/*
 * fuzz_picture.c - any bytes as a picture, then all the way to the model's input and
 * the thumbnail.
 *
 * The name "x.tga" lets bytes without a signature reach the TGA reader. Small limits
 * keep a run from spending its time on clearing memory.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "core/image/intake.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const pf_picture_limits limits = {.max_file_bytes = 1 << 20, .max_pixels = 200000};
    static uint8_t rgb[16 * 16 * 3];
    static pf_thumbnail thumbnail;
    pf_err err = PF_ERR_INIT;
    pf_preprocess recipe;
    pf_preprocess_init_clip(&recipe, 16);
    const pf_intake_options options = {
        .name = "x.tga", .limits = &limits, .preprocess = &recipe};
    pf_intake view = {.pixels = rgb, .thumbnail = &thumbnail};
    if (!pf_intake_make(&view, data, size, &options, &err)) {
        /* a refusal has a reason, and what was decoded can be used */
        if (err.code == PF_OK || err.code == PF_ERR_MISUSE || err.msg[0] == '\0')
            abort();
        return 0;
    }
    if (thumbnail.width < 1 || thumbnail.width > PF_THUMBNAIL_SIDE ||
        thumbnail.height < 1 || thumbnail.height > PF_THUMBNAIL_SIDE)
        abort();
    return 0;
}
