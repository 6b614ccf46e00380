/* noise_main.c - pf-noise-model VARIANT hf|openai|openai-half|open-clip PATH: writes a
 * checkpoint of seeded noise (noise.h). Such a model is for parity and speed, it finds
 * nothing. One that is there already is left alone: after a change of the rules, remove
 * it. */
#include <stdio.h>
#include <string.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "tests/support/noise.h"

static bool write_unless_there(const pf_noise_variant *v, const char *path,
                               pf_noise_layout layout, pf_err *err)
{
    const bool is_open_clip =
        layout == PF_NOISE_OPEN_CLIP || v->family == PF_NOISE_BIOMEDCLIP;
    char *file = is_open_clip ? pf_path_join(path, "open_clip_model.safetensors", err)
                 : layout == PF_NOISE_HF || v->family == PF_NOISE_SIGLIP
                     ? pf_path_join(path, "model.safetensors", err)
                     : pf_strdup(path, err);
    bool ok = file && (pf_path_exists(file) || pf_noise_write(v, path, layout, err));
    pf_free(file);
    return ok;
}

int main(int argc, char **argv)
{
    static const char *const layouts[] = {"hf", "openai", "openai-half", "open-clip"};
    const pf_noise_variant *v = argc == 4 ? pf_noise_find(argv[1]) : NULL;
    for (int i = 0; v && i < 4; i++) {
        if (strcmp(argv[2], layouts[i]) != 0)
            continue;
        pf_err err = PF_ERR_INIT;
        if (write_unless_there(v, argv[3], (pf_noise_layout)i, &err))
            return 0;
        fprintf(stderr, "pf-noise-model: %s\n", err.msg);
        return 1;
    }
    fprintf(stderr,
            "usage: pf-noise-model VARIANT hf|openai|openai-half|open-clip PATH\n"
            "       variants are in tests/support/noise.h\n");
    return 2;
}
