/*
 * model_files.h - which files make a model: the checkpoint, and what lies beside it.
 */
#ifndef PF_CORE_MODEL_MODEL_FILES_H
#define PF_CORE_MODEL_MODEL_FILES_H

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/json.h"
#include "core/base/notes.h"
#include "core/model/family.h"

enum { PF_MODEL_CONFIGS = 3 };

typedef struct {
    char *folder; /* where the checkpoint lies */
    char *checkpoint;
    /* config.json, preprocessor_config.json, open_clip_config.json: where they are or
     * would be, and what they say, NULL for one that is not there. */
    char *config_path[PF_MODEL_CONFIGS];
    pf_json *config[PF_MODEL_CONFIGS];
} pf_model_files;

/* `path` is a folder or a checkpoint file (see model.h). *files comes in all zero; free
 * it with pf_model_files_reset(), after a failure too. */
PF_MUST_CHECK bool pf_model_files_find(pf_model_files *files, const char *path,
                                       pf_notes *notes, pf_err *err);
void pf_model_files_reset(pf_model_files *files);

/* What families read; borrowed from `files`. */
pf_beside pf_model_files_beside(const pf_model_files *files, pf_activation activation);

/* Size, time and inode of the file at `path`, a line of a model's stamp; nothing for
 * one that is not there, which is part of the identity too. */
PF_MUST_CHECK bool pf_model_stamp_file(pf_buf *b, const char *path, pf_err *err);

#endif
