/*
 * decoders.c - a picture of any kind -> upright RGB: pf_picture_decode(), see
 * picture.h.
 *
 * This and what it calls is in plainfilm-decode alone (and in tests): neither the
 * library nor its programs have a decoder for pictures of unknown origin, and none of
 * the libraries that these stand on but libjpeg and libpng, which write.
 *
 * Who decodes what, and why:
 *
 * JPEG: libjpeg-turbo. stb_image hands out half a picture from a cut file without a
 * word; libjpeg reports each bad Huffman code and each missing marker, reads arithmetic
 * coding and all samplings, and gives Pillow's very bytes.
 *
 * PNG: libpng. It checks every CRC and the Adler sum and needs one row of working
 * memory; checking first and decoding with stb_image would inflate twice.
 *
 * GIF, PNM: our own, short. stb_image's GIF reader paints transparency away, gives up
 * on a code table that is kept full, and recurses on input; its 16-bit PNM is in the
 * host's byte order and it ignores the largest value.
 *
 * BMP, TGA, PSD: stb_image, after our own inspection has made sure that all the pixels
 * are there and that the file says nothing stb_image misreads.
 *
 * WebP: libwebp. TIFF: libtiff. DICOM: DCMTK, and OpenJPEG for JPEG 2000.
 */
#include <string.h>

#include "core/image/decode.h"

typedef struct {
    const char *kind; /* as pf_picture_sniff() says it */
    pf_decoder *decode;
    bool has_frames;
} decoder;

static const decoder decoders[] = {
    {"jpeg", pf_decode_jpeg, false},  {"png", pf_decode_png, false},
    {"gif", pf_decode_gif, false},    {"bmp", pf_decode_bmp, false},
    {"tga", pf_decode_tga, false},    {"psd", pf_decode_psd, false},
    {"pnm", pf_decode_pnm, false},    {"webp", pf_decode_webp, false},
    {"tiff", pf_decode_tiff, true},
#ifdef PF_HAS_DICOM
    {"dicom", pf_decode_dicom, true},
#endif
};

static const decoder *find_decoder(const char *kind)
{
    for (size_t i = 0; i < sizeof decoders / sizeof *decoders; i++) {
        if (strcmp(decoders[i].kind, kind) == 0)
            return &decoders[i];
    }
    return NULL;
}

bool pf_facts_read(pf_facts *out, const uint8_t *bytes, size_t n, const char *name,
                   pf_err *err)
{
    const char *kind = n > 0 ? pf_picture_sniff(bytes, n, name) : NULL;
    memset(out, 0, sizeof *out);
#ifdef PF_HAS_DICOM
    if (kind && strcmp(kind, "dicom") == 0)
        return pf_dicom_read_facts(out, pf_span_of(bytes, n), err);
#endif
    (void)kind, (void)err;
    return true;
}

static bool decode(pf_picture *out, const decoder *d, pf_span file, int frame,
                   const pf_picture_limits *limits, pf_err *err)
{
    int orientation = 0;
    if (!d->decode(out, &orientation, file, frame, limits, err) ||
        !pf_picture_orient(out, orientation, err)) {
        if (err && err->code == PF_ERR_FORMAT)
            pf_fail_in(err, "damaged %s", d->kind);
        return false;
    }
    out->format = d->kind;
    return true;
}

/* So begins a file whose room was made before its bytes have come: of a copy that is
 * under way, or broke off. */
static bool begins_with_zeros(const uint8_t *bytes, size_t n)
{
    enum { LOOKED_AT = 64 };
    size_t i = 0;
    while (i < n && i < LOOKED_AT && bytes[i] == 0)
        i++;
    return i == LOOKED_AT;
}

bool pf_picture_decode(pf_picture *out, const uint8_t *bytes, size_t n,
                       const char *name, int frame, const pf_picture_limits *limits,
                       pf_err *err)
{
    pf_picture_limits standard;
    pf_picture_limits_init(&standard);
    if (!limits)
        limits = &standard;
    memset(out, 0, sizeof *out);

    if (n == 0)
        return pf_fail(err, PF_ERR_FORMAT, "the file is empty");
    if (n > limits->max_file_bytes)
        return pf_fail(err, PF_ERR_LIMIT,
                       "the file is too large: %zu bytes, the limit is %zu", n,
                       limits->max_file_bytes);
    const char *kind = pf_picture_sniff(bytes, n, name);
    if (!kind)
        return begins_with_zeros(bytes, n)
                   ? pf_fail(err, PF_ERR_FORMAT,
                             "the file begins with nothing but zeros")
                   : pf_fail(err, PF_ERR_UNSUPPORTED,
                             "not a kind of picture that is known");
    const decoder *d = find_decoder(kind);
    if (!d)
        return pf_fail(err, PF_ERR_UNSUPPORTED, "%s is not read by this version", kind);
    if (frame < 0 || (frame > 0 && !d->has_frames))
        return pf_fail(err, PF_ERR_NOT_FOUND,
                       "frame %d was asked for, of a %s only frame 0 is read", frame,
                       kind);
    if (decode(out, d, pf_span_of(bytes, n), frame, limits, err))
        return true;
    pf_picture_reset(out);
    return false;
}
