/*
 * sheet_html.c - a contact sheet as one page that needs nothing else: thumbnails as
 * data: URIs, style and script inside, and a policy that allows these alone.
 *
 * The page lies in cli/sheet/ with {{names}} where something is filled in. It is HTML
 * and well-formed XML. Nothing from the catalog gets in but through put_text(),
 * put_link() and pf_base64_write(), which leave no character that means something. It
 * streams: memory is that of one picture.
 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "core/base/base64.h"
#include "core/base/file.h"
#include "core/base/utf8.h"
#include "cli/sheet.h"
#include "cli/sheet_texts.h"
#include "cli/uri.h"

enum { NONCE_BYTES = 16, STRIP_MAX = 6 };

typedef struct {
    pf_sheet *sheet;
    FILE *out;
    const pf_hit *hit;
    size_t rank;
    pf_sheet_jpeg jpeg;
    char nonce[2 * NONCE_BYTES + 1];
} page;

/* ---- values ---- */

/* Characters that cannot be in a page, or turn the direction of what follows. */
static bool is_unwanted(uint32_t code)
{
    return code < 0x20 || (code >= 0x7F && code < 0xA0) ||
           (code >= 0x202A && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069) ||
           (code & 0xFFFE) == 0xFFFE;
}

/* Text, also inside of quotes. */
static void put_text(FILE *out, const char *text)
{
    const size_t n = strlen(text);
    for (size_t i = 0, size; i < n; i += size) {
        uint32_t code = 0;
        const size_t valid = pf_utf8_decode(text + i, n - i, &code);
        size = valid > 0 ? valid : 1;
        if (code == '\t' || code == '\n' || code == '\r')
            fputc(' ', out);
        else if (valid == 0 || is_unwanted(code))
            fputs("\xEF\xBF\xBD", out);
        else if (strchr("&<>\"'", text[i]))
            fprintf(out, "&#%d;", text[i]);
        else
            fwrite(text + i, 1, size, out);
    }
}

/* Nothing, which leads to the page itself, for what could lead to another machine. */
static void put_link(FILE *out, const char *path)
{
    if (!pf_uri_is_linkable(path))
        return;
    fputs("file://", out);
    pf_uri_put_path(out, path);
}

/* Another one for each page, so that nothing in a caption can know it. */
static bool make_nonce(page *p, pf_err *err)
{
    unsigned char bytes[NONCE_BYTES];
    FILE *f = fopen("/dev/urandom", "rb");
    const bool ok = f && fread(bytes, 1, sizeof bytes, f) == sizeof bytes;
    const int why = errno;
    if (f)
        fclose(f);
    if (!ok)
        return pf_fail_errno(err, why, "cannot read '/dev/urandom'");
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(p->nonce + 2 * i, 3, "%02x", bytes[i]);
    return true;
}

/* ---- templates ---- */

typedef struct {
    const char *name;
    bool (*put)(page *p, pf_err *err);
} slot;

static bool expand(page *p, const char *text, size_t n, const slot *slots,
                   size_t n_slots, pf_err *err)
{
    const char *end = text + n;
    while (text < end) {
        const char *open = strstr(text, "{{");
        if (!open || open >= end)
            break;
        fwrite(text, 1, (size_t)(open - text), p->out);
        const char *name = open + 2, *close = strstr(name, "}}");
        const slot *found = NULL;
        for (size_t i = 0; close && i < n_slots; i++) {
            const size_t size = (size_t)(close - name);
            if (strlen(slots[i].name) == size &&
                strncmp(slots[i].name, name, size) == 0)
                found = &slots[i];
        }
        if (!found)
            return pf_fail(err, PF_ERR_FORMAT, "the page has '%.20s', which is nothing",
                           open);
        if (!found->put(p, err))
            return false;
        text = close + 2;
    }
    fwrite(text, 1, (size_t)(end - text), p->out);
    return true;
}

/* ---- one hit ---- */

static bool put_image(page *p, int64_t image_id, const char *alt, pf_err *err)
{
    if (!pf_sheet_get_picture(p->sheet, image_id, &p->jpeg, err))
        return false;
    if (p->jpeg.size == 0) {
        fputs("<span class=\"missing\">no picture</span>", p->out);
        return true;
    }
    fputs("<img src=\"data:image/jpeg;base64,", p->out);
    pf_base64_write(p->out, p->jpeg.bytes, p->jpeg.size);
    fputs("\" alt=\"", p->out);
    put_text(p->out, alt);
    fputs("\" />", p->out);
    return true;
}

static bool put_hit_link(page *p, pf_err *err)
{
    (void)err;
    put_link(p->out, p->hit->path);
    return true;
}

static const char *name_of(const page *p)
{
    const pf_hit *h = p->hit;
    if (pf_sheet_find(p->sheet) == PF_FIND_CASES)
        return pf_sheet_case_name(h);
    return h->caption ? h->caption : pf_path_base(h->path);
}

static bool put_hit_picture(page *p, pf_err *err)
{
    return put_image(p, p->hit->image_id, name_of(p), err);
}

static bool put_hit_rank(page *p, pf_err *err)
{
    (void)err;
    fprintf(p->out, "%zu", p->rank);
    return true;
}

static bool put_hit_score(page *p, pf_err *err)
{
    (void)err;
    if (!isnan(p->hit->score)) /* a list has none */
        fprintf(p->out, "%.3f", p->hit->score);
    return true;
}

static bool put_hit_id(page *p, pf_err *err)
{
    (void)err;
    if (pf_sheet_find(p->sheet) == PF_FIND_CASES)
        fprintf(p->out, "%zu of %zu image%s", p->hit->n_images, p->hit->n_case_images,
                p->hit->n_case_images == 1 ? "" : "s");
    else
        fprintf(p->out, "#%lld", (long long)p->hit->image_id);
    return true;
}

static void put_paragraph(page *p, const char *class_name, const char *text)
{
    fprintf(p->out, "<p class=\"%s\" dir=\"auto\">", class_name);
    put_text(p->out, text);
    fputs("</p>", p->out);
}

/* What the filter looks through. */
static bool put_hit_text(page *p, pf_err *err)
{
    (void)err;
    const pf_hit *h = p->hit;
    if (pf_sheet_find(p->sheet) == PF_FIND_CASES)
        put_paragraph(p, "case", pf_sheet_case_name(h));
    if (h->caption)
        put_paragraph(p, "caption", h->caption);
    for (size_t i = 0; p->sheet->all_captions && i < h->n_captions; i++) {
        if (!h->caption || strcmp(h->captions[i].text, h->caption) != 0)
            put_paragraph(p, "caption", h->captions[i].text);
    }
    if (pf_sheet_find(p->sheet) != PF_FIND_CASES && h->case_key)
        put_paragraph(p, "case", pf_sheet_case_name(h));
    return true;
}

/* Of a case the pictures behind the best one that were found. */
static bool put_strip(page *p, pf_err *err)
{
    const pf_hit *h = p->hit;
    const size_t n = h->n_images < STRIP_MAX ? h->n_images : STRIP_MAX;
    bool ok = true;
    if (n < 2)
        return true;
    fputs("<div class=\"strip\">", p->out);
    for (size_t i = 1; ok && i < n; i++) {
        fputs("<a class=\"picture\" href=\"", p->out);
        put_link(p->out, h->images[i].path);
        fputs("\">", p->out);
        ok = put_image(p, h->images[i].id, pf_path_base(h->images[i].path), err);
        fputs("</a>", p->out);
    }
    fputs("</div>\n", p->out);
    return ok;
}

static void put_attributes(page *p)
{
    const pf_hit *h = p->hit;
    if (h->n_attributes == 0)
        return;
    fputs("<dl class=\"attributes\">", p->out);
    for (size_t i = 0; i < h->n_attributes; i++) {
        fputs("<dt>", p->out);
        put_text(p->out, h->attributes[i].key);
        fputs("</dt><dd dir=\"auto\">", p->out);
        put_text(p->out, h->attributes[i].value);
        fputs("</dd>", p->out);
    }
    fputs("</dl>\n", p->out);
}

static bool put_hit_more(page *p, pf_err *err)
{
    if (pf_sheet_find(p->sheet) == PF_FIND_CASES && !put_strip(p, err))
        return false;
    put_attributes(p);
    return true;
}

static bool put_hit_path(page *p, pf_err *err)
{
    (void)err;
    put_text(p->out, p->hit->path);
    if (p->hit->frame > 0)
        fprintf(p->out, ", frame %d", p->hit->frame);
    return true;
}

/* ---- the page ---- */

static bool put_nonce(page *p, pf_err *err)
{
    (void)err;
    fputs(p->nonce, p->out);
    return true;
}

static bool put_question(page *p, pf_err *err)
{
    (void)err;
    put_text(p->out, p->sheet->question);
    return true;
}

static bool put_summary(page *p, pf_err *err)
{
    char text[64];
    (void)err;
    pf_sheet_summary(p->sheet, text);
    fputs(text, p->out);
    return true;
}

static bool put_style(page *p, pf_err *err)
{
    (void)err;
    fwrite(pf_text_style, 1, pf_text_style_size, p->out);
    return true;
}

static bool put_script(page *p, pf_err *err)
{
    (void)err;
    fwrite(pf_text_script, 1, pf_text_script_size, p->out);
    return true;
}

static bool put_hits(page *p, pf_err *err)
{
    static const slot slots[] = {
        {"link", put_hit_link},   {"picture", put_hit_picture}, {"rank", put_hit_rank},
        {"score", put_hit_score}, {"id", put_hit_id},           {"text", put_hit_text},
        {"more", put_hit_more},   {"path", put_hit_path},
    };
    const pf_answer *a = p->sheet->answer;
    for (size_t i = 0; i < pf_answer_count(a) && !ferror(p->out); i++) {
        p->hit = pf_answer_hit(a, i);
        p->rank = pf_answer_rank(a, i);
        if (!expand(p, pf_text_hit, pf_text_hit_size, slots,
                    sizeof slots / sizeof *slots, err))
            return false;
    }
    return true;
}

bool pf_sheet_html_write(pf_sheet *s, FILE *out, pf_err *err)
{
    static const slot slots[] = {
        {"nonce", put_nonce}, {"question", put_question}, {"summary", put_summary},
        {"style", put_style}, {"script", put_script},     {"hits", put_hits},
    };
    if (pf_answer_count(s->answer) > PF_SHEET_HTML_MAX)
        return pf_fail(err, PF_ERR_LIMIT, "%zu hits, a page has room for %d",
                       pf_answer_count(s->answer), PF_SHEET_HTML_MAX);
    page p = {.sheet = s, .out = out};
    const bool ok =
        make_nonce(&p, err) && expand(&p, pf_text_page, pf_text_page_size, slots,
                                      sizeof slots / sizeof *slots, err);
    pf_free(p.jpeg.bytes);
    return ok;
}
