/* noise_main.c - pf-noise-model VARIANT hf|openai|openai-half PATH: writes a checkpoint
 * of seeded noise (noise.h). Such a model is for parity and speed, it finds nothing.
 * One that is there already is left alone: after a change of the rules, remove it. */
#include <stdio.h>
#include <string.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "tests/support/noise.h"

static bool write_unless_there(const pf_noise_variant *v, const char *path,
                               pf_noise_layout layout, pf_err *err)
{
    char *file = layout == PF_NOISE_HF ? pf_path_join(path, "model.safetensors", err)
                                       : pf_strdup(path, err);
    bool ok = file && (pf_path_exists(file) || pf_noise_write(v, path, layout, err));
    pf_free(file);
    return ok;
}

int main(int argc, char **argv)
{
    static const char *const layouts[] = {"hf", "openai", "openai-half"};
    const pf_noise_variant *v = argc == 4 ? pf_noise_find(argv[1]) : NULL;
    for (int i = 0; v && i < 3; i++) {
        if (strcmp(argv[2], layouts[i]) != 0)
            continue;
        pf_err err = PF_ERR_INIT;
        if (write_unless_there(v, argv[3], (pf_noise_layout)i, &err))
            return 0;
        fprintf(stderr, "pf-noise-model: %s\n", err.msg);
        return 1;
    }
    fprintf(stderr, "usage: pf-noise-model vitb32|rn50|rn50x4|tiny-vit|tiny-rn "
                    "hf|openai|openai-half PATH\n");
    return 2;
}
