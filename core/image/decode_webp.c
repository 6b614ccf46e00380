/*
 * decode_webp.c - WebP through libwebp; the one file that includes its headers.
 *
 * A still picture, or the first frame of an animation where it lies on its canvas,
 * which is black elsewhere. Transparency is dropped, as with the other kinds, and the
 * colours below it show; whoever wants it (pf_picture_limits) gets it beside them, of
 * still pictures. libwebp refuses a file that is cut; it takes memory of its
 * own, which is counted before.
 */
#include <string.h>

#include <webp/decode.h>
#include <webp/demux.h>

#include "core/base/mem.h"
#include "core/image/decode.h"

/* RGB, a copy that is turned, alpha as it is read and as it is kept, and what libwebp
 * keeps: four bytes of each pixel when it is lossless, else one or two of its alpha. */
enum { BYTES_PER_PIXEL = 3 + 3 + 4, ALPHA_BYTES = 4 + 1 };

static bool fail_as(VP8StatusCode status, pf_err *err)
{
    switch (status) {
    case VP8_STATUS_OUT_OF_MEMORY:
        return pf_fail(err, PF_ERR_NOMEM, "out of memory");
    case VP8_STATUS_UNSUPPORTED_FEATURE:
        return pf_fail(err, PF_ERR_UNSUPPORTED, "a feature of webp that is not read");
    case VP8_STATUS_NOT_ENOUGH_DATA:
    case VP8_STATUS_SUSPENDED:
        return pf_fail(err, PF_ERR_FORMAT, "the file ends early");
    default:
        return pf_fail(err, PF_ERR_FORMAT, "its data are not those of a picture");
    }
}

/* To (x, y) of the picture, whose memory bounds what libwebp may write. */
static bool decode_at(pf_picture *out, int x, int y, const uint8_t *bytes, size_t n,
                      pf_err *err)
{
    WebPDecoderConfig config;
    if (!WebPInitDecoderConfig(&config))
        return pf_fail(err, PF_ERR_UNSUPPORTED, "another libwebp than was built with");
    const size_t stride = (size_t)out->width * 3;
    const size_t start = (size_t)y * stride + (size_t)x * 3;
    config.output.colorspace = MODE_RGB;
    config.output.is_external_memory = 1;
    config.output.u.RGBA.rgba = out->rgb + start;
    config.output.u.RGBA.stride = (int)stride;
    config.output.u.RGBA.size = stride * (size_t)out->height - start;
    const VP8StatusCode status = WebPDecode(bytes, n, &config);
    WebPFreeDecBuffer(&config.output);
    return status == VP8_STATUS_OK || fail_as(status, err);
}

/* A whole picture with its alpha. */
static bool decode_with_alpha(pf_picture *out, const uint8_t *bytes, size_t n,
                              pf_err *err)
{
    const size_t pixels = (size_t)out->width * (size_t)out->height;
    uint8_t *rgba = pf_alloc_array(pixels, 4, err);
    out->alpha = rgba ? pf_alloc_array(pixels, 1, err) : NULL;
    bool ok = out->alpha != NULL;
    if (ok && !WebPDecodeRGBAInto(bytes, n, rgba, 4 * pixels, 4 * out->width))
        ok = pf_fail(err, PF_ERR_FORMAT, "its data are not those of a picture");
    for (size_t i = 0; ok && i < pixels; i++) {
        memcpy(out->rgb + 3 * i, rgba + 4 * i, 3);
        out->alpha[i] = rgba[4 * i + 3];
    }
    pf_free(rgba);
    return ok;
}

static bool decode_first_frame(pf_picture *out, WebPDemuxer *demuxer, pf_err *err)
{
    WebPIterator frame;
    if (!WebPDemuxGetFrame(demuxer, 1, &frame))
        return pf_fail(err, PF_ERR_FORMAT, "an animation without frames");
    const bool fits = frame.x_offset >= 0 && frame.y_offset >= 0 && frame.width >= 1 &&
                      frame.height >= 1 && frame.width <= out->width - frame.x_offset &&
                      frame.height <= out->height - frame.y_offset;
    const bool ok =
        fits ? decode_at(out, frame.x_offset, frame.y_offset, frame.fragment.bytes,
                         frame.fragment.size, err)
             : pf_fail(err, PF_ERR_FORMAT, "the first frame lies outside the picture");
    WebPDemuxReleaseIterator(&frame);
    return ok;
}

/* Some write what a JPEG has before it, too. */
static int read_orientation(WebPDemuxer *demuxer)
{
    static const uint8_t prefix[6] = "Exif\0";
    WebPChunkIterator chunk;
    if (!WebPDemuxGetChunk(demuxer, "EXIF", 1, &chunk))
        return 1;
    pf_span s = pf_span_of(chunk.chunk.bytes, chunk.chunk.size);
    if (pf_span_left(&s) > sizeof prefix && memcmp(s.p, prefix, sizeof prefix) == 0)
        s.p += sizeof prefix;
    const int orientation = pf_exif_orientation(s.p, pf_span_left(&s));
    WebPDemuxReleaseChunkIterator(&chunk);
    return orientation;
}

bool pf_decode_webp(pf_picture *out, int *orientation, pf_span file, int frame,
                    const pf_picture_limits *limits, pf_err *err)
{
    (void)frame;
    const size_t n = pf_span_left(&file);
    WebPBitstreamFeatures features;
    const VP8StatusCode status = WebPGetFeatures(file.p, n, &features);
    if (status != VP8_STATUS_OK)
        return fail_as(status, err);
    const bool keeps_alpha =
        limits->keeps_alpha && features.has_alpha && !features.has_animation;
    if (features.width < 1 || features.height < 1 ||
        !pf_picture_reserve((uint64_t)features.width, (uint64_t)features.height,
                            BYTES_PER_PIXEL + (keeps_alpha ? ALPHA_BYTES : 0), limits,
                            err) ||
        !pf_picture_make(out, (uint64_t)features.width, (uint64_t)features.height,
                         limits, err))
        return false;
    const WebPData data = {file.p, n};
    WebPDemuxer *demuxer = WebPDemux(&data);
    if (demuxer)
        *orientation = read_orientation(demuxer);
    bool ok;
    if (keeps_alpha)
        ok = decode_with_alpha(out, file.p, n, err);
    else if (!features.has_animation)
        ok = decode_at(out, 0, 0, file.p, n, err);
    else if (!demuxer)
        ok = pf_fail(err, PF_ERR_FORMAT, "the animation is not whole");
    else
        ok = decode_first_frame(out, demuxer, err);
    WebPDemuxDelete(demuxer);
    return ok;
}
