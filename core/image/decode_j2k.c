/* decode_j2k.c - see decode_j2k.h. The one file that includes OpenJPEG. */
#include "core/image/decode_j2k.h"

#include <stdio.h>
#include <string.h>

#include <openjpeg.h>

#include "core/base/mem.h"

typedef struct {
    pf_span stream;
    size_t at;
    char why[160]; /* OpenJPEG's first complaint */
} reader;

static OPJ_SIZE_T read_bytes(void *to, OPJ_SIZE_T n, void *context)
{
    reader *r = context;
    const size_t left = pf_span_left(&r->stream) - r->at, some = n < left ? n : left;
    if (some == 0)
        return (OPJ_SIZE_T)-1;
    memcpy(to, r->stream.p + r->at, some);
    r->at += some;
    return some;
}

static OPJ_BOOL seek(OPJ_OFF_T to, void *context)
{
    reader *r = context;
    if (to < 0 || (uint64_t)to > pf_span_left(&r->stream))
        return OPJ_FALSE;
    r->at = (size_t)to;
    return OPJ_TRUE;
}

static OPJ_OFF_T skip(OPJ_OFF_T n, void *context)
{
    reader *r = context;
    const size_t left = pf_span_left(&r->stream) - r->at;
    if (n < 0 || (uint64_t)n > left)
        return -1;
    r->at += (size_t)n;
    return n;
}

static void on_error(const char *text, void *context)
{
    reader *r = context;
    if (r->why[0] != '\0')
        return;
    snprintf(r->why, sizeof r->why, "%s", text);
    for (char *c = r->why; *c; c++)
        *c = *c >= ' ' && *c <= '~' ? *c : ' ';
}

static void on_message(const char *text, void *context)
{
    (void)text, (void)context;
}

static bool fail_as_told(const reader *r, const char *what, pf_err *err)
{
    return pf_fail(err, PF_ERR_FORMAT, "%s%s%s", what, r->why[0] ? ": " : "", r->why);
}

static opj_stream_t *open_stream(reader *r)
{
    opj_stream_t *stream = opj_stream_create(1 << 16, OPJ_TRUE);
    if (!stream)
        return NULL;
    opj_stream_set_user_data(stream, r, NULL);
    opj_stream_set_user_data_length(stream, pf_span_left(&r->stream));
    opj_stream_set_read_function(stream, read_bytes);
    opj_stream_set_seek_function(stream, seek);
    opj_stream_set_skip_function(stream, skip);
    return stream;
}

static opj_codec_t *open_codec(reader *r)
{
    const bool is_raw = pf_span_left(&r->stream) >= 2 && r->stream.p[0] == 0xFF;
    opj_codec_t *codec = opj_create_decompress(is_raw ? OPJ_CODEC_J2K : OPJ_CODEC_JP2);
    opj_dparameters_t parameters;
    if (!codec)
        return NULL;
    opj_set_default_decoder_parameters(&parameters);
    opj_set_error_handler(codec, on_error, r);
    opj_set_warning_handler(codec, on_message, r);
    opj_set_info_handler(codec, on_message, r);
    if (opj_setup_decoder(codec, &parameters))
        return codec;
    opj_destroy_codec(codec);
    return NULL;
}

/* Before anything is decoded: is it the picture that was announced? */
static bool check_size(const opj_image_t *image, pf_j2k_size *size, pf_err *err)
{
    if (image->numcomps != size->components || image->x1 - image->x0 != size->width ||
        image->y1 - image->y0 != size->height)
        return pf_fail(err, PF_ERR_FORMAT,
                       "the code stream has %u x %u pixels of %u samples, not %u x %u "
                       "of %u",
                       (unsigned)(image->x1 - image->x0),
                       (unsigned)(image->y1 - image->y0), (unsigned)image->numcomps,
                       (unsigned)size->width, (unsigned)size->height,
                       (unsigned)size->components);
    size->precision = image->comps[0].prec;
    for (uint32_t i = 0; i < image->numcomps; i++) {
        const opj_image_comp_t *c = &image->comps[i];
        if (c->dx != 1 || c->dy != 1 || c->prec != size->precision || c->prec < 1 ||
            c->prec > 16)
            return pf_fail(
                err, PF_ERR_UNSUPPORTED,
                "a code stream with samples of %u bits, each %u x %u pixels, "
                "is not read",
                (unsigned)c->prec, (unsigned)c->dx, (unsigned)c->dy);
    }
    return true;
}

static bool take_samples(uint8_t **out, size_t *n, const opj_image_t *image,
                         const pf_j2k_size *size, pf_err *err)
{
    const size_t pixels = (size_t)size->width * size->height, each = size->components;
    const size_t bytes = size->precision > 8 ? 2 : 1;
    for (uint32_t c = 0; c < each; c++) {
        if (!image->comps[c].data || image->comps[c].w != size->width ||
            image->comps[c].h != size->height)
            return pf_fail(err, PF_ERR_FORMAT,
                           "a component of the code stream is missing");
    }
    if (!(*out = pf_alloc_array(pixels * each, bytes, err)))
        return false;
    const uint32_t mask = (1u << size->precision) - 1;
    for (size_t i = 0; i < pixels * each; i++) {
        const uint32_t v = (uint32_t)image->comps[i % each].data[i / each] & mask;
        const uint16_t wide = (uint16_t)v;
        if (bytes == 1)
            (*out)[i] = (uint8_t)v;
        else
            memcpy(*out + 2 * i, &wide, sizeof wide);
    }
    *n = pixels * each * bytes;
    return true;
}

bool pf_j2k_decode(uint8_t **out, size_t *n, pf_span bytes, pf_j2k_size *size,
                   pf_err *err)
{
    reader r = {.stream = bytes};
    opj_image_t *image = NULL;
    opj_stream_t *stream = open_stream(&r);
    opj_codec_t *codec = stream ? open_codec(&r) : NULL;
    bool ok = false;
    *out = NULL;
    if (!codec)
        pf_fail(err, PF_ERR_NOMEM, "out of memory");
    else if (!opj_read_header(stream, codec, &image))
        fail_as_told(&r, "the code stream cannot be read", err);
    else if (check_size(image, size, err))
        ok = (opj_decode(codec, stream, image) && r.why[0] == '\0') ||
             fail_as_told(&r, "the code stream cannot be decoded", err);
    ok = ok && take_samples(out, n, image, size, err);
    if (image)
        opj_image_destroy(image);
    if (codec)
        opj_destroy_codec(codec);
    if (stream)
        opj_stream_destroy(stream);
    return ok;
}
