/* model_files.c - see model_files.h. */
#include "core/model/model_files.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "core/base/file.h"
#include "core/base/mem.h"

enum { CONFIG_MAX_BYTES = 1 << 20 };

enum { CONFIG, PREPROCESSOR, OPEN_CLIP };

static const char *const config_names[PF_MODEL_CONFIGS] = {
    "config.json", "preprocessor_config.json", "open_clip_config.json"};

/* Names that folders give their weights, the first that is there is taken. */
static const char *const usual_names[] = {
    "model.safetensors",           "model.safetensors.index.json", "pytorch_model.bin",
    "open_clip_model.safetensors", "open_clip_pytorch_model.bin",
};

enum { FIRST_OF_OPEN_CLIP = 3, USUAL_NAMES = sizeof usual_names / sizeof *usual_names };

/* ---- the checkpoint ---- */

static bool is_checkpoint_name(const char *name)
{
    static const char *const extension[] = {"safetensors", "pth", "pt", "bin"};
    for (size_t i = 0; i < sizeof extension / sizeof *extension; i++) {
        if (strcasecmp(pf_path_extension(name), extension[i]) == 0)
            return true;
    }
    return false;
}

/* "model-00001-of-00002.safetensors" */
static bool is_part_name(const char *name)
{
    const char *of = strstr(name, "-of-");
    return of && strspn(of + 4, "0123456789") == 5;
}

static bool fail_several(const char *folder, const char *a, const char *b, pf_err *err)
{
    if (is_part_name(a) && is_part_name(b))
        return pf_fail(err, PF_ERR_NOT_FOUND,
                       "model folder '%s' holds parts of a checkpoint ('%s', '%s') "
                       "without model.safetensors.index.json; fetch it too",
                       folder, a, b);
    return pf_fail(err, PF_ERR_MISUSE,
                   "model folder '%s' holds several checkpoints ('%s', '%s'); name "
                   "the file",
                   folder, a, b);
}

/* The one checkpoint in a folder that has none of the usual names. */
static bool find_only_checkpoint(const char *folder, char **out, pf_err *err)
{
    DIR *dir = opendir(folder);
    if (!dir)
        return pf_fail_errno(err, errno, "cannot read model folder '%s'", folder);
    char *found = NULL;
    bool ok = true;
    for (struct dirent *e; ok && (e = readdir(dir));) {
        if (!is_checkpoint_name(e->d_name))
            continue;
        ok = found ? fail_several(folder, pf_path_base(found), e->d_name, err)
                   : (found = pf_path_join(folder, e->d_name, err)) != NULL;
    }
    closedir(dir);
    if (ok && !found)
        ok =
            pf_fail(err, PF_ERR_NOT_FOUND,
                    "model folder '%s' holds no checkpoint (model.safetensors, "
                    "pytorch_model.bin or a .pth file); fetch all of the model's files",
                    folder);
    if (!ok) {
        pf_free(found);
        found = NULL;
    }
    *out = found;
    return ok;
}

static bool find_in_folder(pf_model_files *f, pf_notes *notes, pf_err *err)
{
    for (size_t i = 0; i < USUAL_NAMES; i++) {
        char *path = pf_path_join(f->folder, usual_names[i], err);
        if (!path)
            return false;
        if (!pf_path_exists(path)) {
            pf_free(path);
            continue;
        }
        if (f->checkpoint) {
            pf_notes_add(notes, "'%s' is read, '%s' beside it is not",
                         pf_path_base(f->checkpoint), usual_names[i]);
            pf_free(path);
            continue;
        }
        f->checkpoint = path;
    }
    return f->checkpoint || find_only_checkpoint(f->folder, &f->checkpoint, err);
}

/* One of several files, which is no model by itself. */
static bool check_is_whole(const char *path, pf_err *err)
{
    const char *base = pf_path_base(path);
    return !is_part_name(base) || strstr(base, "-of-00001") ||
           pf_fail(err, PF_ERR_MISUSE,
                   "'%s' is one part of a checkpoint; name its folder, or its "
                   "model.safetensors.index.json",
                   path);
}

static bool find_checkpoint(pf_model_files *f, const char *path, pf_notes *notes,
                            pf_err *err)
{
    if (!pf_path_exists(path))
        return pf_fail_errno(err, errno, "cannot open model '%s'", path);
    if (pf_path_is_folder(path)) {
        f->folder = pf_strdup(path, err);
        return f->folder && find_in_folder(f, notes, err);
    }
    if (!check_is_whole(path, err))
        return false;
    const char *base = pf_path_base(path);
    size_t n = (size_t)(base - path); /* with the slash behind the folder */
    f->folder = n == 0 ? pf_strdup(".", err) : pf_strndup(path, n > 1 ? n - 1 : 1, err);
    f->checkpoint = pf_strdup(path, err);
    return f->folder && f->checkpoint;
}

/* ---- what lies beside it ---- */

bool pf_model_files_find(pf_model_files *f, const char *path, pf_notes *notes,
                         pf_err *err)
{
    if (!find_checkpoint(f, path, notes, err))
        return false;
    for (int i = 0; i < PF_MODEL_CONFIGS; i++) {
        f->config_path[i] = pf_path_join(f->folder, config_names[i], err);
        if (!f->config_path[i] || !pf_json_parse_file(&f->config[i], f->config_path[i],
                                                      CONFIG_MAX_BYTES, err))
            return false;
    }
    return true;
}

void pf_model_files_reset(pf_model_files *f)
{
    for (int i = 0; i < PF_MODEL_CONFIGS; i++) {
        pf_free(f->config_path[i]);
        pf_json_free(f->config[i]);
    }
    pf_free(f->folder);
    pf_free(f->checkpoint);
    *f = (pf_model_files){0};
}

pf_beside pf_model_files_beside(const pf_model_files *f, pf_activation activation)
{
    bool is_open_clip = false;
    for (size_t i = FIRST_OF_OPEN_CLIP; i < USUAL_NAMES; i++)
        is_open_clip |= strcmp(pf_path_base(f->checkpoint), usual_names[i]) == 0;
    return (pf_beside){.config = f->config[CONFIG],
                       .preprocessor = f->config[PREPROCESSOR],
                       .open_clip = f->config[OPEN_CLIP],
                       .is_open_clip_file = is_open_clip,
                       .activation = activation};
}

bool pf_model_stamp_file(pf_buf *b, const char *path, pf_err *err)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return true;
    return pf_buf_addf(b, err, "%s %lld %lld.%09ld %llu\n", pf_path_base(path),
                       (long long)st.st_size, (long long)st.st_mtim.tv_sec,
                       st.st_mtim.tv_nsec, (unsigned long long)st.st_ino);
}
