/*
 * dicom.cpp - see dicom.h. The one file that includes DCMTK, and as little as goes in
 * C++; nothing of it leaves through an exception.
 *
 * DCMTK's dictionary is a file of 5000 tags. It is not opened: what is read here, and
 * what has to be known of it where a file does not say it (implicit VR), is a short
 * list.
 */
#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcistrmb.h>
#include <dcmtk/dcmdata/dcpixel.h>
#include <dcmtk/dcmdata/dcpixseq.h>
#include <dcmtk/dcmdata/dcpxitem.h>
#include <dcmtk/dcmdata/dcrledrg.h>
#include <dcmtk/dcmdata/dctk.h>
#include <dcmtk/dcmimage/diregist.h>
#include <dcmtk/dcmimgle/dcmimage.h>
#include <dcmtk/dcmjpeg/djdecode.h>
#include <dcmtk/dcmjpls/djdecode.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <new>
#include <vector>

extern "C" {
#include "core/image/dicom.h"
#include "core/image/window.h"
}

namespace
{

const DcmTagKey FIRST_PIXELS(0x7FE0, 0x0008); /* floats; doubles and integers follow */
const size_t HEADER_MAX = 16u << 20;          /* bytes before the pixels */

struct entry {
    Uint16 group, element;
    DcmEVR vr;
};

/* Of an implicit file all others are bytes. */
const entry dictionary[] = {
    {0x0002, 0x0000, EVR_UL},
    {0x0002, 0x0002, EVR_UI},
    {0x0002, 0x0010, EVR_UI},
    {0x0008, 0x0008, EVR_CS},
    {0x0008, 0x0016, EVR_UI},
    {0x0008, 0x0018, EVR_UI},
    {0x0008, 0x0020, EVR_DA},
    {0x0008, 0x0060, EVR_CS},
    {0x0008, 0x0064, EVR_CS},
    {0x0018, 0x0015, EVR_CS},
    {0x0018, 0x1164, EVR_DS},
    {0x0018, 0x5101, EVR_CS},
    {0x0020, 0x000D, EVR_UI},
    {0x0020, 0x000E, EVR_UI},
    {0x0020, 0x0060, EVR_CS},
    {0x0020, 0x0062, EVR_CS},
    {0x0028, 0x0002, EVR_US},
    {0x0028, 0x0004, EVR_CS},
    {0x0028, 0x0006, EVR_US},
    {0x0028, 0x0008, EVR_IS},
    {0x0028, 0x0010, EVR_US},
    {0x0028, 0x0011, EVR_US},
    {0x0028, 0x0030, EVR_DS},
    {0x0028, 0x0034, EVR_IS},
    {0x0028, 0x0100, EVR_US},
    {0x0028, 0x0101, EVR_US},
    {0x0028, 0x0102, EVR_US},
    {0x0028, 0x0103, EVR_US},
    {0x0028, 0x0106, EVR_xs},
    {0x0028, 0x0107, EVR_xs},
    {0x0028, 0x0120, EVR_xs},
    {0x0028, 0x0121, EVR_xs},
    {0x0028, 0x0301, EVR_CS},
    {0x0028, 0x1050, EVR_DS},
    {0x0028, 0x1051, EVR_DS},
    {0x0028, 0x1052, EVR_DS},
    {0x0028, 0x1053, EVR_DS},
    {0x0028, 0x1054, EVR_LO},
    {0x0028, 0x1055, EVR_LO},
    {0x0028, 0x1056, EVR_CS},
    {0x0028, 0x1101, EVR_xs},
    {0x0028, 0x1102, EVR_xs},
    {0x0028, 0x1103, EVR_xs},
    {0x0028, 0x1201, EVR_OW},
    {0x0028, 0x1202, EVR_OW},
    {0x0028, 0x1203, EVR_OW},
    {0x0028, 0x1221, EVR_OW},
    {0x0028, 0x1222, EVR_OW},
    {0x0028, 0x1223, EVR_OW},
    {0x0028, 0x3000, EVR_SQ},
    {0x0028, 0x3002, EVR_xs},
    {0x0028, 0x3003, EVR_LO},
    {0x0028, 0x3004, EVR_LO},
    {0x0028, 0x3006, EVR_lt},
    {0x0028, 0x3010, EVR_SQ},
    {0x0028, 0x9110, EVR_SQ},
    {0x0028, 0x9132, EVR_SQ},
    {0x0028, 0x9145, EVR_SQ},
    /* what codecs leave behind */
    {0x0028, 0x2110, EVR_CS},
    {0x0028, 0x2112, EVR_DS},
    {0x0028, 0x2114, EVR_CS},
    {0x0008, 0x2111, EVR_ST},
    {0x0008, 0x9215, EVR_SQ},
    {0x0008, 0x0100, EVR_SH},
    {0x0008, 0x0102, EVR_SH},
    {0x0008, 0x0104, EVR_LO},

    {0x2050, 0x0020, EVR_CS},
    {0x5200, 0x9229, EVR_SQ},
    {0x5200, 0x9230, EVR_SQ},
    {0x7FE0, 0x0008, EVR_OF},
    {0x7FE0, 0x0009, EVR_OD},
    {0x7FE0, 0x0010, EVR_ox},
};

/* Around everything that DCMTK does: it allocates with new. */
template <class F> bool guarded(pf_err *err, F what)
{
    try {
        return what();
    } catch (const std::bad_alloc &) {
        return pf_fail(err, PF_ERR_NOMEM, "out of memory");
    } catch (...) {
        return pf_fail(err, PF_ERR_FORMAT, "DCMTK gave up");
    }
}

bool fail(const OFCondition &why, const char *what, pf_err *err)
{
    return pf_fail(err, PF_ERR_FORMAT, "%s: %s", what, why.text());
}

} // namespace

struct pf_dicom {
    pf_span file;
    DcmFileFormat format;
    pf_dicom_facts facts = {};
};

namespace
{

unsigned number(DcmItem *from, Uint16 element)
{
    Uint16 v = 0;
    from->findAndGetUint16(DcmTagKey(0x0028, element), v);
    return v;
}

/* Without the blanks around it; cut where there is no room. */
void text(DcmItem *from, Uint16 group, Uint16 element, char *out, size_t room)
{
    const char *v = nullptr;
    out[0] = '\0';
    if (from->findAndGetString(DcmTagKey(group, element), v).bad() || !v)
        return;
    while (*v == ' ')
        v++;
    snprintf(out, room, "%s", v);
    for (size_t n = strlen(out); n > 0 && out[n - 1] == ' '; n--)
        out[n - 1] = '\0';
}

/* The value at a place of a DS or IS; false: there is none. */
bool decimal(DcmItem *from, const DcmTagKey &tag, unsigned place, double *out)
{
    OFString v;
    if (from->findAndGetOFString(tag, v, place).bad())
        return false;
    char *end = nullptr;
    const double number = strtod(v.c_str(), &end);
    if (end == v.c_str() || !std::isfinite(number))
        return false;
    *out = number;
    return true;
}

/* Both above zero. */
bool pair(DcmItem *from, const DcmTagKey &tag, double *a, double *b)
{
    double first, second;
    if (!decimal(from, tag, 0, &first) || !decimal(from, tag, 1, &second) ||
        first <= 0 || second <= 0)
        return false;
    *a = first;
    *b = second;
    return true;
}

/* The item of a functional group that holds for a frame, its own before the shared
 * one. */
DcmItem *group_of(DcmDataset *data, const DcmTagKey &group, int frame)
{
    DcmItem *item = nullptr, *found = nullptr;
    if (data->findAndGetSequenceItem(DcmTagKey(0x5200, 0x9230), item, frame).good() &&
        item->findAndGetSequenceItem(group, found, 0).good())
        return found;
    if (data->findAndGetSequenceItem(DcmTagKey(0x5200, 0x9229), item, 0).good() &&
        item->findAndGetSequenceItem(group, found, 0).good())
        return found;
    return nullptr;
}

double pixel_ratio(DcmDataset *data)
{
    double height = 1, width = 1;
    DcmItem *measures = group_of(data, DcmTagKey(0x0028, 0x9110), 0);
    if (pair(data, DcmTagKey(0x0028, 0x0034), &height, &width) ||
        pair(data, DcmTagKey(0x0028, 0x0030), &height, &width) ||
        (measures && pair(measures, DcmTagKey(0x0028, 0x0030), &height, &width)) ||
        pair(data, DcmTagKey(0x0018, 0x1164), &height, &width))
        return height / width;
    return 1;
}

void find_facts(pf_dicom *d, size_t stopped_at)
{
    DcmDataset *data = d->format.getDataset();
    pf_dicom_facts *f = &d->facts;
    Sint32 frames = 1;
    if (d->format.getMetaInfo())
        text(d->format.getMetaInfo(), 0x0002, 0x0010, f->syntax, sizeof f->syntax);
    if (f->syntax[0] == '\0')
        snprintf(f->syntax, sizeof f->syntax, "%s",
                 DcmXfer(data->getOriginalXfer()).getXferID());
    text(data, 0x0028, 0x0004, f->photometric, sizeof f->photometric);
    text(data, 0x0008, 0x0060, f->modality, sizeof f->modality);
    f->rows = number(data, 0x0010);
    f->columns = number(data, 0x0011);
    f->samples = number(data, 0x0002);
    f->bits_allocated = number(data, 0x0100);
    f->bits_stored = number(data, 0x0101);
    f->is_signed = number(data, 0x0103) == 1;
    data->findAndGetSint32(DcmTagKey(0x0028, 0x0008), frames);
    f->frames = frames > 1 ? frames : 1;
    f->pixel_ratio = pixel_ratio(data);
    f->is_deflated = data->getOriginalXfer() == EXS_DeflatedLittleEndianExplicit;
    f->pixels_at = f->is_deflated ? 0 : stopped_at;
}

bool read_header(pf_dicom *d, pf_err *err)
{
    DcmInputBufferStream in;
    const size_t n = pf_span_left(&d->file), some = n < HEADER_MAX ? n : HEADER_MAX;
    in.setBuffer(d->file.p, (offile_off_t)some);
    in.setEos();
    d->format.transferInit();
    const OFCondition read = d->format.readUntilTag(in, EXS_Unknown, EGL_noChange,
                                                    DCM_MaxReadLength, FIRST_PIXELS);
    d->format.transferEnd();
    if (read.bad() && some < n)
        return pf_fail(err, PF_ERR_LIMIT, "more than %zu bytes before the pixels",
                       HEADER_MAX);
    if (read.bad())
        return fail(read, "its header cannot be read", err);
    const size_t at = (size_t)in.tell();
    find_facts(d, at < some ? at : 0);
    return true;
}

} // namespace

void pf_dicom_start(void)
{
    static std::once_flag once;
    std::call_once(once, [] {
        OFLog::configure(OFLogger::OFF_LOG_LEVEL);
        setenv("DCMDICTPATH", "/dev/null", 1);
        DcmDataDictionary &to = dcmDataDict.wrlock();
        for (const entry &e : dictionary)
            to.addEntry(new DcmDictEntry(e.group, e.element, e.vr, "read", 1, -1,
                                         "DICOM", OFFalse, nullptr));
        dcmDataDict.wrunlock();
        DcmRLEDecoderRegistration::registerCodecs();
        DJDecoderRegistration::registerCodecs();
        DJLSDecoderRegistration::registerCodecs();
        try { /* the first one wakes threads that there are not: a call of the system */
            throw std::bad_alloc();
        } catch (const std::bad_alloc &) {
        }
    });
}

bool pf_dicom_open(pf_dicom **out, pf_span file, pf_err *err)
{
    *out = nullptr;
    return guarded(err, [=] {
        pf_dicom_start();
        std::unique_ptr<pf_dicom> d(new pf_dicom);
        d->file = file;
        if (!read_header(d.get(), err))
            return false;
        *out = d.release();
        return true;
    });
}

void pf_dicom_close(pf_dicom *dicom)
{
    delete dicom;
}

const pf_dicom_facts *pf_dicom_get_facts(const pf_dicom *dicom)
{
    return &dicom->facts;
}

void pf_dicom_get_text(pf_dicom *d, unsigned group, unsigned element, char *out,
                       size_t room)
{
    out[0] = '\0';
    (void)guarded(nullptr, [=] {
        OFString v;
        const DcmTagKey tag((Uint16)group, (Uint16)element);
        if (d->format.getDataset()->findAndGetOFString(tag, v, 0).good())
            snprintf(out, room, "%s", v.c_str() + strspn(v.c_str(), " "));
        for (size_t n = strlen(out); n > 0 && out[n - 1] == ' '; n--)
            out[n - 1] = '\0';
        return true;
    });
}

/* ---- pixels ---------------------------------------------------------------------- */

bool pf_dicom_inflate(pf_dicom *d, pf_span *pixels, pf_err *err)
{
    return guarded(err, [=] {
        DcmInputBufferStream in;
        in.setBuffer(d->file.p, (offile_off_t)pf_span_left(&d->file));
        in.setEos();
        d->format.clear();
        d->format.transferInit();
        const OFCondition read =
            d->format.read(in, EXS_Unknown, EGL_noChange, DCM_MaxReadLength);
        d->format.transferEnd();
        const Uint8 *bytes = nullptr;
        const Uint16 *words = nullptr;
        unsigned long n = 0;
        DcmDataset *data = d->format.getDataset();
        const DcmTagKey tag(0x7FE0, 0x0010);
        if (read.bad())
            return fail(read, "it cannot be unpacked", err);
        if (data->findAndGetUint8Array(tag, bytes, &n).good() && bytes)
            *pixels = pf_span_of(bytes, n);
        else if (data->findAndGetUint16Array(tag, words, &n).good() && words)
            *pixels = pf_span_of(reinterpret_cast<const uint8_t *>(words), 2 * n);
        else
            return pf_fail(err, PF_ERR_FORMAT, "there are no pixels");
        return true;
    });
}

namespace
{

void set_number(DcmDataset *to, Uint16 element, unsigned v)
{
    to->putAndInsertUint16(DcmTag(0x0028, element, EVR_US), (Uint16)v);
}

bool put_samples(pf_dicom *d, const uint8_t *samples, size_t n, unsigned bits,
                 pf_err *err)
{
    DcmDataset *data = d->format.getDataset();
    OFCondition put;
    std::unique_ptr<DcmPixelData> pixels(
        new DcmPixelData(DcmTag(0x7FE0, 0x0010, bits > 8 ? EVR_OW : EVR_OB)));
    if (bits > 8) {
        std::vector<Uint16> words((n + 1) / 2);
        memcpy(words.data(), samples, n);
        put = pixels->putUint16Array(words.data(), (unsigned long)words.size());
    } else {
        put = pixels->putUint8Array(samples, (unsigned long)n);
    }
    if (put.good())
        put = data->insert(pixels.get(), OFTrue);
    if (put.bad())
        return fail(put, "its pixels cannot be taken", err);
    pixels.release();
    data->putAndInsertString(DcmTag(0x0028, 0x0008, EVR_IS), "1");
    return true;
}

} // namespace

bool pf_dicom_put_samples(pf_dicom *d, const uint8_t *samples, size_t n, pf_err *err)
{
    return guarded(
        err, [=] { return put_samples(d, samples, n, d->facts.bits_allocated, err); });
}

bool pf_dicom_put_decoded(pf_dicom *d, const uint8_t *samples, size_t n,
                          unsigned bits_allocated, unsigned precision, pf_err *err)
{
    return guarded(err, [=] {
        DcmDataset *data = d->format.getDataset();
        set_number(data, 0x0100, bits_allocated);
        set_number(data, 0x0101, precision);
        set_number(data, 0x0102, precision - 1);
        if (d->facts.samples == 3) {
            set_number(data, 0x0006, 0); /* sample by sample */
            if (strncmp(d->facts.photometric, "YBR_", 4) == 0 &&
                strcmp(d->facts.photometric, "YBR_FULL") != 0)
                data->putAndInsertString(DcmTag(0x0028, 0x0004, EVR_CS), "RGB");
        }
        return put_samples(d, samples, n, bits_allocated, err);
    });
}

bool pf_dicom_put_stream(pf_dicom *d, pf_span stream, pf_err *err)
{
    return guarded(err, [=] {
        DcmDataset *data = d->format.getDataset();
        const DcmTag tag(0x7FE0, 0x0010, EVR_OB), item(0xFFFE, 0xE000, EVR_OB);
        std::unique_ptr<DcmPixelData> pixels(new DcmPixelData(tag));
        DcmPixelSequence *sequence = new DcmPixelSequence(tag);
        pixels->putOriginalRepresentation(data->getOriginalXfer(), nullptr, sequence);
        sequence->insert(new DcmPixelItem(item)); /* the table of offsets */
        DcmPixelItem *fragment = new DcmPixelItem(item);
        sequence->insert(fragment);
        OFCondition put =
            fragment->putUint8Array(stream.p, (unsigned long)pf_span_left(&stream));
        if (put.good())
            put = data->insert(pixels.get(), OFTrue);
        if (put.bad())
            return fail(put, "its pixels cannot be taken", err);
        pixels.release();
        data->putAndInsertString(DcmTag(0x0028, 0x0008, EVR_IS), "1");
        put = data->chooseRepresentation(EXS_LittleEndianExplicit, nullptr);
        return put.good() || fail(put, "its pixels cannot be decompressed", err);
    });
}

/* ---- rendering ------------------------------------------------------------------- */

namespace
{

void copy_to(DcmDataset *to, DcmItem *from, Uint16 element)
{
    DcmElement *found = nullptr;
    if (from->findAndGetElement(DcmTagKey(0x0028, element), found).bad() || !found)
        return;
    DcmObject *copy = found->clone();
    if (to->insert(static_cast<DcmElement *>(copy), OFTrue).bad())
        delete copy;
}

/* DCMTK looks at the top alone. */
void take_groups_of(DcmDataset *data, int frame)
{
    DcmItem *window = group_of(data, DcmTagKey(0x0028, 0x9132), frame);
    DcmItem *values = group_of(data, DcmTagKey(0x0028, 0x9145), frame);
    for (Uint16 element = 0x1050; window && element <= 0x1056; element++)
        if (element < 0x1052 || element > 0x1054)
            copy_to(data, window, element);
    for (Uint16 element = 0x1052; values && element <= 0x1054; element++)
        copy_to(data, values, element);
}

template <class T> void add_values(const DiPixel *from, std::vector<float> *to)
{
    const T *v = static_cast<const T *>(from->getData());
    to->assign(v, v + from->getCount());
}

bool take_values(const DiPixel *from, std::vector<float> *to)
{
    if (!from || !from->getData() || from->getPlanes() != 1)
        return false;
    switch (from->getRepresentation()) {
    case EPR_Uint8:
        return add_values<Uint8>(from, to), true;
    case EPR_Sint8:
        return add_values<Sint8>(from, to), true;
    case EPR_Uint16:
        return add_values<Uint16>(from, to), true;
    case EPR_Sint16:
        return add_values<Sint16>(from, to), true;
    case EPR_Uint32:
        return add_values<Uint32>(from, to), true;
    case EPR_Sint32:
        return add_values<Sint32>(from, to), true;
    default:
        return false;
    }
}

/* A stored value of the padding, US or SS as the pixels are. */
bool padding(DcmDataset *data, Uint16 element, bool is_signed, double *out)
{
    Uint16 u = 0;
    Sint16 s = 0;
    const DcmTagKey tag(0x0028, element);
    if (is_signed && data->findAndGetSint16(tag, s).good())
        return *out = s, true;
    if (data->findAndGetUint16(tag, u).bad())
        return false;
    *out = is_signed ? (double)(Sint16)u : (double)u;
    return true;
}

/* Padding is no part of the picture: it counts for no percentile. */
void drop_padding(pf_dicom *d, std::vector<float> *values)
{
    DcmDataset *data = d->format.getDataset();
    double slope = 1, intercept = 0, from, to;
    if (data->tagExists(DcmTagKey(0x0028, 0x3000)) ||
        !padding(data, 0x0120, d->facts.is_signed, &from))
        return;
    if (!padding(data, 0x0121, d->facts.is_signed, &to))
        to = from;
    (void)decimal(data, DcmTagKey(0x0028, 0x1053), 0, &slope);
    (void)decimal(data, DcmTagKey(0x0028, 0x1052), 0, &intercept);
    const double a = from * slope + intercept, b = to * slope + intercept;
    const double low = (a < b ? a : b) - 0.5, high = (a < b ? b : a) + 0.5;
    size_t n = 0;
    for (const float v : *values)
        n += !(v >= low && v <= high);
    if (n == 0)
        return;
    for (float &v : *values)
        v = v >= low && v <= high ? NAN : v;
}

bool show_between(DicomImage *image, pf_float_window w, pf_err *err)
{
    /* what DICOM's formula makes black and white of */
    return image->setWindow((w.low + w.high) / 2 + 0.5, w.high - w.low + 1) ||
           pf_fail(err, PF_ERR_FORMAT, "it has no window");
}

bool set_percentiles(pf_dicom *d, DicomImage *image, pf_err *err)
{
    std::vector<float> values;
    pf_float_window w;
    if (!take_values(image->getInterData(), &values))
        return pf_fail(err, PF_ERR_FORMAT, "it has no values");
    drop_padding(d, &values);
    if (!pf_float_window_find(&w, values.data(), values.size(), err))
        return false;
    return show_between(image, w, err);
}

/* VOI LUT, else the first window, else percentiles. */
bool set_window(pf_dicom *d, DicomImage *image, pf_err *err)
{
    char function[17];
    double width = 1;
    (void)decimal(d->format.getDataset(), DcmTagKey(0x0028, 0x1051), 0, &width);
    if (image->getVoiLutCount() > 0 && image->setVoiLut(0))
        return true;
    if (image->getWindowCount() == 0 || !std::isfinite(width) || !image->setWindow(0))
        return set_percentiles(d, image, err);
    text(d->format.getDataset(), 0x0028, 0x1056, function, sizeof function);
    if (strcmp(function, "SIGMOID") == 0)
        image->setVoiLutFunction(EFV_Sigmoid);
    return true;
}

bool render(pf_dicom *d, int frame, pf_float_window asked, uint8_t *rgb, pf_err *err)
{
    DcmDataset *data = d->format.getDataset();
    const size_t n = (size_t)d->facts.rows * d->facts.columns;
    take_groups_of(data, frame);
    DicomImage image(data, EXS_LittleEndianExplicit, CIF_MayDetachPixelData);
    if (image.getStatus() != EIS_Normal)
        return pf_fail(err, PF_ERR_FORMAT, "%s",
                       DicomImage::getString(image.getStatus()));
    const bool is_grey = image.isMonochrome() != 0;
    if (image.getWidth() != d->facts.columns || image.getHeight() != d->facts.rows)
        return pf_fail(err, PF_ERR_FORMAT, "two readings of its size differ");
    image.hideAllOverlays();
    if (is_grey && asked.low < asked.high) {
        if (!show_between(&image, asked, err))
            return false;
    } else if (is_grey && !set_window(d, &image, err)) {
        return false;
    }
    const size_t size = is_grey ? n : 3 * n;
    if (image.getOutputDataSize(8) != size ||
        !image.getOutputData(rgb, (unsigned long)size, 8))
        return pf_fail(err, PF_ERR_FORMAT, "it cannot be rendered");
    for (size_t i = n; is_grey && i-- > 0;)
        rgb[3 * i] = rgb[3 * i + 1] = rgb[3 * i + 2] = rgb[i];
    return true;
}

} // namespace

bool pf_dicom_get_values(pf_dicom *d, int frame, pf_dicom_values *out)
{
    return guarded(nullptr, [=] {
        DcmDataset *data = d->format.getDataset();
        take_groups_of(data, frame);
        *out = pf_dicom_values{1, 0, 0, 0};
        (void)decimal(data, DcmTagKey(0x0028, 0x1053), 0, &out->slope);
        (void)decimal(data, DcmTagKey(0x0028, 0x1052), 0, &out->intercept);
        (void)decimal(data, DcmTagKey(0x0028, 0x1050), 0, &out->center);
        (void)decimal(data, DcmTagKey(0x0028, 0x1051), 0, &out->width);
        return out->width > 0 && std::isfinite(out->width) &&
               std::isfinite(out->center);
    });
}

bool pf_dicom_render(pf_dicom *d, int frame, pf_float_window asked, uint8_t *rgb,
                     pf_err *err)
{
    return guarded(err, [=] { return render(d, frame, asked, rgb, err); });
}
