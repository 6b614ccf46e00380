/*
 * run_export.c - the job of --export: vectors, or captions, as files for others.
 *
 *   vectors.npy      float32 [n, dim], in NumPy's format 1.0, rows in the order of ids
 *   vectors.npy.tsv  a line of names, then one for each row
 *   captions.tsv     a line of names, then one for each caption
 *
 * The header of an NPY file says how many rows there are, which is known behind the
 * last of them: it has a fixed size, and is written again then. A file appears when it
 * is complete, and replaces none unless --force says so; nobody but the user can read
 * it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/interrupt.h"
#include "cli/term.h"
#include "cli/tools.h"
#include "query/export.h"
#include "query/open.h"
#include "query/print.h"
#include "query/say.h"

typedef struct {
    char *path, *temp; /* owned */
    FILE *out;         /* NULL: not open */
} file;

typedef struct {
    file table, vectors; /* the latter only of vectors */
    bool has_vectors, has_captions;
    size_t n, dim;
} export;

export_kind export_kind_of(const char *path)
{
    const char *dot = strrchr(path, '.');
    if (dot && strcasecmp(dot, ".npy") == 0)
        return EXPORT_VECTORS;
    return dot && strcasecmp(dot, ".tsv") == 0 ? EXPORT_CAPTIONS : EXPORT_OTHER;
}

/* ---- one file -------------------------------------------------------------------- */

static bool say_taken(const char *path, pf_err *err)
{
    return pf_cli_fail(err, PF_ERR_MISUSE,
                       "'%s' is there already: --force writes over it", path);
}

/* A link to nowhere is something, too. */
static bool is_free(const char *path, pf_err *err)
{
    struct stat there;
    if (pf_cli_is_folder(path))
        return pf_cli_fail(err, PF_ERR_IO, "cannot write '%s': it is a folder", path);
    return command.force || lstat(path, &there) != 0 || say_taken(path, err);
}

static char *join(const char *path, const char *ending, pf_err *err)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (out)
        fprintf(out, "%s%s", path, ending);
    if (out && fclose(out) == 0)
        return text;
    pf_cli_fail(err, PF_ERR_NOMEM, "out of memory (a file's name)");
    return NULL;
}

static bool open_file(file *f, const char *path, const char *ending, pf_err *err)
{
    f->path = join(path, ending, err);
    if (!f->path || !is_free(f->path, err))
        return false;
    f->temp = join(f->path, ".XXXXXX", err);
    if (!f->temp)
        return false;
    const int fd = mkstemp(f->temp); /* mode 0600 */
    f->out = fd >= 0 ? fdopen(fd, "wb") : NULL;
    if (f->out)
        return true;
    pf_cli_fail_errno(err, errno, "cannot write '%s'", f->path);
    if (fd >= 0)
        close(fd);
    else
        f->temp[0] = '\0'; /* whatever is called so is not ours */
    return false;
}

/* Why not? What was called since the failure may have changed errno: try once more. */
static bool say_unwritten(const file *f, pf_err *err)
{
    const char byte = 0;
    const bool is_strange = write(fileno(f->out), &byte, 1) == 1;
    return pf_cli_fail_errno(err, is_strange ? EIO : errno, "cannot write '%s'",
                             f->path);
}

static bool check_file(const file *f, pf_err *err)
{
    return !ferror(f->out) || say_unwritten(f, err);
}

/* All of it is on the disk; it has not its name yet. */
static bool finish_file(file *f, pf_err *err)
{
    const bool is_whole =
        fflush(f->out) == 0 && !ferror(f->out) && fsync(fileno(f->out)) == 0;
    if (!is_whole)
        return say_unwritten(f, err);
    FILE *out = f->out;
    f->out = NULL;
    return fclose(out) == 0 ||
           pf_cli_fail_errno(err, errno, "cannot write '%s'", f->path);
}

/* link() makes no name that is there already, whoever was quicker; where there is no
 * such thing it was looked for before. */
static bool name_file(file *f, pf_err *err)
{
    if (!command.force) {
        if (link(f->temp, f->path) == 0) {
            unlink(f->temp);
            f->temp[0] = '\0';
            return true;
        }
        if (errno == EEXIST)
            return say_taken(f->path, err);
    }
    if (rename(f->temp, f->path) != 0)
        return pf_cli_fail_errno(err, errno, "cannot write '%s'", f->path);
    f->temp[0] = '\0';
    return true;
}

static void close_file(file *f)
{
    if (f->out)
        fclose(f->out);
    if (f->temp && f->temp[0] != '\0')
        unlink(f->temp);
    pf_free(f->temp);
    pf_free(f->path);
    *f = (file){0};
}

/* ---- vectors --------------------------------------------------------------------- */

enum { NPY_HEADER = 128 }; /* a multiple of 64, with room for any numbers */

/* Magic, version 1.0, the length of what follows, a Python dictionary up to a newline.
 */
static void put_header(FILE *out, size_t n, size_t dim)
{
    char header[NPY_HEADER + 1];
    static const char magic[] = "\x93NUMPY\x01";
    enum { BEFORE = 10 };
    memset(header, ' ', NPY_HEADER);
    memcpy(header, magic, sizeof magic); /* its end is the second byte of the version */
    header[8] = (char)(NPY_HEADER - BEFORE);
    header[9] = 0;
    const int length = snprintf(
        header + BEFORE, NPY_HEADER - BEFORE,
        "{'descr': '<f4', 'fortran_order': False, 'shape': (%zu, %zu), }", n, dim);
    header[BEFORE + length] = ' ';
    header[NPY_HEADER - 1] = '\n';
    fwrite(header, 1, NPY_HEADER, out);
}

/* Little-endian, whatever this machine is. */
static void put_vector(FILE *out, const float *vector, size_t dim)
{
    for (size_t i = 0; i < dim; i++) {
        uint32_t bits;
        memcpy(&bits, &vector[i], sizeof bits);
        const unsigned char bytes[4] = {(unsigned char)bits, (unsigned char)(bits >> 8),
                                        (unsigned char)(bits >> 16),
                                        (unsigned char)(bits >> 24)};
        fwrite(bytes, 1, sizeof bytes, out);
    }
}

/* ---- the rows -------------------------------------------------------------------- */

static void put_names(const export *e)
{
    fputs(e->has_captions ? "id\timage_id\tpath\tcaption\n" : "id\tpath\tframe\n",
          e->table.out);
}

static bool put_item(void *context, const pf_item *item, pf_err *err)
{
    export *e = context;
    FILE *out = e->table.out;
    fprintf(out, "%lld\t", (long long)item->id);
    if (e->has_captions) {
        fprintf(out, "%lld\t", (long long)item->image_id);
        print_field(out, item->path, '\t');
        print_field(out, item->caption, '\n');
    } else {
        print_field(out, item->path, '\t');
        fprintf(out, "%d\n", item->frame);
    }
    if (e->has_vectors)
        put_vector(e->vectors.out, item->vector, e->dim);
    e->n++;
    return check_file(&e->table, err) &&
           (!e->has_vectors || check_file(&e->vectors, err));
}

static bool open_files(export *e, pf_err *err)
{
    if (e->has_vectors && !open_file(&e->vectors, command.export, "", err))
        return false;
    if (!open_file(&e->table, command.export, e->has_vectors ? ".tsv" : "", err))
        return false;
    if (e->has_vectors)
        put_header(e->vectors.out, 0, e->dim);
    put_names(e);
    return true;
}

/* The table first: who sees vectors has their ids. */
static bool finish_files(export *e, pf_err *err)
{
    if (e->has_vectors) {
        if (fseek(e->vectors.out, 0, SEEK_SET) != 0)
            return pf_cli_fail_errno(err, errno, "cannot write '%s'", e->vectors.path);
        put_header(e->vectors.out, e->n, e->dim);
    }
    return finish_file(&e->table, err) &&
           (!e->has_vectors || finish_file(&e->vectors, err)) &&
           name_file(&e->table, err) &&
           (!e->has_vectors || name_file(&e->vectors, err));
}

/* ---- the job --------------------------------------------------------------------- */

static void say_written(const export *e)
{
    if (command.quiet)
        return;
    if (e->n == 0)
        say(command.find == PF_FIND_CAPTIONS || !e->has_vectors
                ? "there is no such caption"
                : "no image matches the filter");
    fprintf(stderr, "%s: wrote %zu %s%s to ", query_cli.name, e->n,
            e->has_vectors ? "vector" : "caption", e->n == 1 ? "" : "s");
    pf_term_puts(stderr, command.export);
    if (e->has_vectors) {
        fprintf(stderr, ", and what they are of to ");
        pf_term_puts(stderr, e->table.path);
    }
    fputc('\n', stderr);
}

static bool write_all(opened *o, pf_request *request, pf_err *err)
{
    pf_catalog_info info = PF_CATALOG_INFO_INIT;
    export e = {.has_vectors = export_kind_of(command.export) == EXPORT_VECTORS};
    if (!e.has_vectors)
        pf_request_set_find(request, PF_FIND_CAPTIONS);
    e.has_captions = !e.has_vectors || command.find == PF_FIND_CAPTIONS;
    bool ok = pf_reader_get_info(o->reader, &info, err);
    e.dim = (size_t)info.dim;
    ok = ok && open_files(&e, err) &&
         pf_reader_each_item(o->reader, request, pf_interrupt_catch(), put_item, &e,
                             err) &&
         finish_files(&e, err);
    if (ok)
        say_written(&e);
    close_file(&e.vectors);
    close_file(&e.table);
    return ok;
}

bool run_export(const pf_cli_args *args, pf_exit *status, pf_err *err)
{
    pf_request *request = NULL;
    opened o = {0};
    (void)status;
    const bool ok = question_make(&request, args, err) && open_asked(&o, args, err) &&
                    write_all(&o, request, err);
    say_notes();
    close_asked(&o);
    pf_request_free(request);
    return ok;
}
