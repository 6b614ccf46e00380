/*
 * main.c - pf-phantoms: writes synthetic radiology pictures with captions.
 *
 * Cases are drawn class by class in a shuffled order, so that any count is balanced.
 * Everything follows from the seed. With --raw the pictures, drawn at 256 pixels and
 * shrunk as a CLIP preprocessor shrinks them, go into one file for training.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/file.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "data/phantoms/catalogue.h"
#include "data/phantoms/write.h"

enum { DRAWN = 256, TEXTS = 4096, JPEG_QUALITY = 88, PHRASES = 6, CAPTIONS = 2 };

typedef struct {
    const char *folder;
    uint64_t seed;
    long count, size;
    bool is_raw, is_png;
} options;

typedef struct {
    options o;
    ph_canvas *canvas;
    uint8_t *grey, *small, *temp;
    FILE *pictures, *texts;
    long done;
} job;

static bool number(const char *text, long low, long high, long *out)
{
    char *end;
    errno = 0;
    const long v = strtol(text, &end, 10);
    if (errno || end == text || *end || v < low || v > high)
        return false;
    *out = v;
    return true;
}

static const char usage[] =
    "usage: pf-phantoms [--seed N] [--count N] [--size N] [--png] [--raw] FOLDER\n"
    "\n"
    "Writes N synthetic radiology pictures, all drawn from nothing but the seed, and\n"
    "captions.csv with their captions and attributes.\n"
    "\n"
    "  --seed N    same seed, same pictures (default 1)\n"
    "  --count N   how many pictures (default 120)\n"
    "  --size N    pixels a side (default 256)\n"
    "  --png       PNG instead of JPEG\n"
    "  --raw       for training: images.u8 (N bytes times N a picture) and\n"
    "              captions.jsonl instead\n";

/* 0: go on; otherwise exit with this code - 1. */
static int read_options(options *o, int argc, char **argv)
{
    *o = (options){.seed = 1, .count = 120, .size = DRAWN};
    for (int i = 1; i < argc; i++) {
        const char *a = argv[i];
        const char *v = i + 1 < argc ? argv[i + 1] : "";
        long seed = 0;
        if (strcmp(a, "--help") == 0) {
            fputs(usage, stdout);
            return 1;
        } else if (strcmp(a, "--raw") == 0)
            o->is_raw = true;
        else if (strcmp(a, "--png") == 0)
            o->is_png = true;
        else if (strcmp(a, "--seed") == 0 && number(v, 0, LONG_MAX, &seed))
            o->seed = (uint64_t)seed, i++;
        else if (strcmp(a, "--count") == 0 && number(v, 1, 10000000, &o->count))
            i++;
        else if (strcmp(a, "--size") == 0 &&
                 number(v, PH_SIZE_MIN, PH_SIZE_MAX, &o->size))
            i++;
        else if (a[0] == '-' || o->folder) {
            fprintf(stderr, "pf-phantoms: cannot use '%s %s' (see --help)\n", a, v);
            return 3;
        } else
            o->folder = a;
    }
    if (!o->folder) {
        fputs("pf-phantoms: name a folder to write to (see --help)\n", stderr);
        return 3;
    }
    return 0;
}

/* --- one picture
 * ---------------------------------------------------------------------- */

static bool write_text_file(FILE *f, const char *what, pf_err *err)
{
    return ferror(f) ? pf_fail_errno(err, errno, "cannot write %s", what) : true;
}

static void csv_field(FILE *f, const char *s, bool last)
{
    if (strpbrk(s, ",\"\n")) {
        putc('"', f);
        for (; *s; s++) {
            if (*s == '"')
                putc('"', f);
            putc(*s, f);
        }
        putc('"', f);
    } else
        fputs(s, f);
    fputs(last ? "\r\n" : ",", f);
}

static bool save_picture(job *j, const char *name, pf_err *err)
{
    char *path = pf_path_join(j->o.folder, name, err);
    if (!path)
        return false;
    const int n = (int)j->o.size;
    const bool ok = j->o.is_png ? ph_write_png(path, j->grey, n, err)
                                : ph_write_jpeg(path, j->grey, n, JPEG_QUALITY, err);
    pf_free(path);
    return ok;
}

static bool write_collection(job *j, const ph_study *seen, ph_view view, long case_no,
                             int picture, ph_rng *r, pf_err *err)
{
    char name[64], case_name[32];
    snprintf(name, sizeof name, "case%04ld-%d.%s", case_no, picture + 1,
             j->o.is_png ? "png" : "jpg");
    snprintf(case_name, sizeof case_name, "case%04ld", case_no);
    if (!save_picture(j, name, err))
        return false;
    pf_buf text;
    pf_buf_init(&text, TEXTS);
    const bool ok = ph_caption(&text, seen, view, r, err);
    if (ok) {
        const ph_row row = ph_row_of(seen, view);
        csv_field(j->texts, name, false);
        csv_field(j->texts, text.data, false);
        csv_field(j->texts, case_name, false);
        csv_field(j->texts, row.modality, false);
        csv_field(j->texts, row.anatomy, false);
        csv_field(j->texts, row.view, false);
        csv_field(j->texts, row.side, false);
        csv_field(j->texts, row.findings, true);
    }
    pf_buf_free(&text);
    return ok && write_text_file(j->texts, "captions.csv", err);
}

static void write_row(pf_json_writer *w, const ph_row *row)
{
    pf_json_write_string(w, "modality", row->modality);
    pf_json_write_string(w, "anatomy", row->anatomy);
    pf_json_write_string(w, "view", row->view);
    pf_json_write_string(w, "side", row->side);
    pf_json_write_string(w, "findings", row->findings);
}

static bool write_training(job *j, const ph_study *seen, ph_view view, long case_no,
                           ph_rng *r, pf_err *err)
{
    const size_t bytes = (size_t)j->o.size * (size_t)j->o.size;
    const uint8_t *px = j->grey;
    if (j->o.size != DRAWN) {
        ph_resize_bytes(j->grey, DRAWN, j->small, (int)j->o.size, j->temp);
        px = j->small;
    }
    if (fwrite(px, 1, bytes, j->pictures) != bytes)
        return pf_fail_errno(err, errno, "cannot write images.u8");
    const ph_row row = ph_row_of(seen, view);
    pf_json_writer w;
    pf_json_writer_init(&w, j->texts);
    pf_json_begin_object(&w, NULL);
    pf_json_write_int(&w, "case", case_no);
    write_row(&w, &row);
    pf_json_begin_array(&w, "captions");
    pf_buf text;
    pf_buf_init(&text, TEXTS);
    bool ok = true;
    for (int i = 0; ok && i < CAPTIONS; i++) {
        text.size = 0;
        ok = ph_caption(&text, seen, view, r, err);
        if (ok)
            pf_json_write_string(&w, NULL, text.data);
    }
    pf_json_end_array(&w);
    pf_json_begin_array(&w, "phrases");
    for (int i = 0; ok && i < PHRASES; i++) {
        ph_row need;
        text.size = 0;
        ok = ph_phrase(&text, &need, seen, view, r, err);
        if (ok) {
            pf_json_begin_object(&w, NULL);
            pf_json_write_string(&w, "text", text.data);
            write_row(&w, &need);
            pf_json_end_object(&w);
        }
    }
    pf_json_end_array(&w);
    pf_json_end_object(&w);
    pf_buf_free(&text);
    return ok && write_text_file(j->texts, "captions.jsonl", err);
}

static bool one_case(job *j, int class, long case_no, pf_err *err)
{
    ph_rng r = ph_rng_of(j->o.seed, 1000 + (uint64_t)case_no);
    const ph_study s = ph_study_of(class, &r);
    ph_view views[PH_VIEWS_MAX];
    const int n = ph_views_of(&s, &r, views);
    for (int i = 0; i < n && j->done < j->o.count; i++, j->done++) {
        const uint64_t picture = ph_rng_u64(&r);
        ph_draw(j->canvas, &s, views[i], picture);
        ph_to_bytes(j->canvas, j->grey);
        const ph_study seen = ph_seen(&s, views[i]);
        /* words have numbers of their own: raw or not, the pictures are the same */
        ph_rng words = ph_rng_of(picture, 3);
        const bool ok =
            j->o.is_raw ? write_training(j, &seen, views[i], case_no, &words, err)
                        : write_collection(j, &seen, views[i], case_no, i, &words, err);
        if (!ok)
            return false;
    }
    return true;
}

static bool all_cases(job *j, pf_err *err)
{
    enum { CLASSES_MAX = 256 };
    int order[CLASSES_MAX];
    const int n = ph_classes();
    ph_rng r = ph_rng_of(j->o.seed, 7);
    for (long case_no = 1; j->done < j->o.count;) {
        for (int i = 0; i < n; i++)
            order[i] = i;
        for (int i = n - 1; i > 0; i--) {
            const int k = ph_pick(&r, i + 1), t = order[i];
            order[i] = order[k];
            order[k] = t;
        }
        for (int i = 0; i < n && j->done < j->o.count; i++, case_no++)
            if (!one_case(j, order[i], case_no, err))
                return false;
    }
    return true;
}

static FILE *open_in(const char *folder, const char *name, pf_err *err)
{
    char *path = pf_path_join(folder, name, err);
    FILE *f = path ? fopen(path, "wb") : NULL;
    if (path && !f)
        pf_fail_errno(err, errno, "cannot write '%s'", path);
    pf_free(path);
    return f;
}

static bool close_file(FILE *f, pf_err *err)
{
    if (f && fclose(f) != 0)
        return pf_fail_errno(err, errno, "cannot finish a file");
    return true;
}

static bool run(job *j, pf_err *err)
{
    const size_t side = (size_t)(j->o.size > DRAWN ? j->o.size : DRAWN);
    j->canvas = ph_canvas_new(j->o.is_raw ? DRAWN : (int)j->o.size, err);
    j->grey = j->canvas ? pf_zalloc(side * side, err) : NULL;
    j->small = j->grey ? pf_zalloc(side * side, err) : NULL;
    j->temp = j->small ? pf_zalloc(side * side, err) : NULL;
    if (!j->temp || !pf_make_folders(j->o.folder, 0777, err))
        return false;
    if (j->o.is_raw && !(j->pictures = open_in(j->o.folder, "images.u8", err)))
        return false;
    j->texts =
        open_in(j->o.folder, j->o.is_raw ? "captions.jsonl" : "captions.csv", err);
    if (!j->texts)
        return false;
    if (!j->o.is_raw)
        fputs("file,caption,case,modality,anatomy,view,side,findings\r\n", j->texts);
    return all_cases(j, err);
}

int main(int argc, char **argv)
{
    job j = {0};
    pf_err err = PF_ERR_INIT;
    const int stop = read_options(&j.o, argc, argv);
    if (stop)
        return stop - 1;
    bool ok = run(&j, &err);
    ok = close_file(j.pictures, ok ? &err : NULL) && ok;
    ok = close_file(j.texts, ok ? &err : NULL) && ok;
    pf_free(j.temp);
    pf_free(j.small);
    pf_free(j.grey);
    ph_canvas_free(j.canvas);
    if (!ok)
        fprintf(stderr, "pf-phantoms: %s\n", err.msg);
    return ok ? 0 : 1;
}
