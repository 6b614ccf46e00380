/*
 * main.c - plainfilm-decode: pictures of unknown origin, decoded where they can harm
 * nothing. Started by the engine (core/image/sandbox.c) and of no use by itself;
 * protocol.h is what it is told and what it answers.
 *
 * It has the decoders and nothing else: no file, no catalog, no network, no other
 * process. Whatever a picture makes of it, the worst that comes out is wrong pixels.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/decoder/lockdown.h"
#include "core/decoder/protocol.h"
#include "core/image/dicom.h"

enum {
    MEMORY_MAX = 1536 << 20, /* past what is granted, for what nobody foresaw */
    CPU_SECONDS_MAX = 600,   /* for all pictures of one decoder */
};

static bool say(pf_decoder_message what)
{
    const char c = (char)what;
    return write(PF_DECODER_CONTROL, &c, 1) == 1;
}

/* 0: there is nobody any more. */
static int hear(void)
{
    char c;
    return read(PF_DECODER_CONTROL, &c, 1) == 1 ? c : 0;
}

/* All decoders of a process share what they may take. */
static bool reserve(void *context, size_t bytes)
{
    pf_decoder_page *page = context;
    page->needs = bytes;
    if (!say(PF_DECODER_NEEDS))
        _exit(1);
    const int answer = hear();
    if (answer != PF_DECODER_GRANTED && answer != PF_DECODER_REFUSED)
        _exit(1);
    return answer == PF_DECODER_GRANTED;
}

static void put_preview(pf_decoder_page *page, const pf_picture *preview)
{
    const size_t n = (size_t)preview->width * (size_t)preview->height * 3;
    page->preview_width = preview->width;
    page->preview_height = preview->height;
    if (preview->rgb && n <= sizeof page->preview)
        memcpy(page->preview, preview->rgb, n);
}

static void decode(pf_decoder_page *page, const uint8_t *bytes)
{
    pf_intake intake = {.pixels = page->wants_pixels ? page->pixels : NULL,
                        .thumbnail = page->wants_thumbnail ? &page->thumbnail : NULL,
                        .facts = page->wants_facts ? &page->facts : NULL,
                        .preview_side = page->preview_side};
    pf_picture_limits limits = page->limits;
    limits.reserve = reserve;
    limits.context = page;
    const pf_preprocess preprocess = page->preprocess;
    const pf_intake_options options = {.name = page->name,
                                       .frame = page->frame,
                                       .limits = &limits,
                                       .preprocess = &preprocess};
    pf_err err = PF_ERR_INIT;
    if (pf_intake_make(&intake, bytes, (size_t)page->n_bytes, &options, &err) &&
        !intake.facts) {
        page->width = intake.width;
        page->height = intake.height;
        memcpy(page->format, intake.format, sizeof page->format);
        page->n_frames = intake.n_frames;
        page->is_deep = intake.is_deep;
        put_preview(page, &intake.preview);
    }
    pf_picture_reset(&intake.preview);
    page->err = err;
}

static bool do_job(pf_decoder_page *page)
{
    const size_t n = (size_t)page->n_bytes;
    uint8_t none = 0;
    uint8_t *bytes =
        n > 0 ? mmap(NULL, n, PROT_READ, MAP_SHARED, PF_DECODER_INPUT, 0) : &none;
    if (bytes == MAP_FAILED) {
        pf_err err = {PF_ERR_NOMEM, "no memory for the file"};
        page->err = err;
    } else {
        decode(page, bytes);
    }
    if (n > 0 && bytes != MAP_FAILED)
        munmap(bytes, n);
    return say(PF_DECODER_DONE);
}

static int by_value(const void *a, const void *b)
{
    return *(const char *)a - *(const char *)b;
}

/* The C library asks the kernel for random numbers at the first allocation, and how
 * much memory there is at the first sorting of more than a little: before that is
 * forbidden. */
static void warm_up(void)
{
    enum { MORE_THAN_A_LITTLE = 4096 };
    char *volatile p = pf_zalloc(MORE_THAN_A_LITTLE, NULL);
    if (p)
        qsort(p, MORE_THAN_A_LITTLE, 1, by_value);
    pf_free(p);
}

int main(int argc, char **argv)
{
    bool has_filter = false;
    if (argc != 2 || strcmp(argv[1], PF_DECODER_VERSION) != 0)
        return 2;
    warm_up();
#ifdef PF_HAS_DICOM
    pf_dicom_start();
#endif
    if (!pf_lockdown_limits(PF_DECODER_PAGE, MEMORY_MAX, CPU_SECONDS_MAX))
        return 3;
    pf_decoder_page *page = mmap(NULL, sizeof *page, PROT_READ | PROT_WRITE, MAP_SHARED,
                                 PF_DECODER_PAGE, 0);
    if (page == MAP_FAILED || close(PF_DECODER_PAGE) != 0)
        return 4;
    if (!pf_lockdown_calls(PF_DECODER_CONTROL, PF_DECODER_INPUT, &has_filter))
        return 5;
    page->has_filter = has_filter;
    bool ok = say(PF_DECODER_READY);
    while (ok && hear() == PF_DECODER_GO)
        ok = do_job(page);
    _exit(0);
}
