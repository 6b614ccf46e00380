/* study_key.c - see study_key.h. */
#include "indexer/study_key.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/file.h"
#include "core/base/mem.h"

static char *find_folder(pf_err *err)
{
    const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    if (config && config[0] == '/')
        return pf_path_join(config, "plainfilm", err);
    if (home && home[0] == '/')
        return pf_path_join(home, ".config/plainfilm", err);
    pf_fail(err, PF_ERR_MISUSE,
            "there is no folder for the key of DICOM studies: set HOME, or "
            "XDG_CONFIG_HOME");
    return NULL;
}

static bool draw(pf_study_key *key, pf_err *err)
{
    const int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
    const bool ok =
        fd >= 0 && read(fd, key->bytes, sizeof key->bytes) == sizeof key->bytes;
    const int why = errno;
    if (fd >= 0)
        close(fd);
    return ok || pf_fail_errno(err, why, "cannot read /dev/urandom");
}

/* Whole or not at all, and never over one that another run has just made. */
static bool write_new(const pf_study_key *key, const char *path, pf_err *err)
{
    char *temp = pf_strf(err, "%s.%ld", path, (long)getpid());
    if (!temp)
        return false;
    const int fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool ok = fd >= 0 &&
              write(fd, key->bytes, sizeof key->bytes) == sizeof key->bytes &&
              fsync(fd) == 0;
    ok = ok && (link(temp, path) == 0 || errno == EEXIST);
    const int why = errno;
    if (fd >= 0) {
        close(fd);
        unlink(temp);
    }
    pf_free(temp);
    return ok || pf_fail_errno(err, why, "cannot make '%s'", path);
}

static bool make(const char *folder, const char *path, pf_err *err)
{
    pf_study_key drawn;
    return pf_make_folders(folder, 0700, err) && draw(&drawn, err) &&
           write_new(&drawn, path, err);
}

static bool read_key(pf_study_key *key, int fd, const char *path, pf_err *err)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return pf_fail_errno(err, errno, "cannot look at '%s'", path);
    if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        return pf_fail(err, PF_ERR_MISUSE,
                       "others may use the key '%s': run chmod 600 '%s'", path, path);
    if (!S_ISREG(st.st_mode) || st.st_size != sizeof key->bytes ||
        read(fd, key->bytes, sizeof key->bytes) != sizeof key->bytes)
        return pf_fail(
            err, PF_ERR_FORMAT,
            "the key '%s' is damaged: bring it back, or remove it, and DICOM "
            "studies become other cases",
            path);
    return true;
}

static bool open_in(const char *folder, pf_study_key *key, pf_err *err)
{
    char *path = pf_path_join(folder, "study.key", err);
    bool ok = path && (pf_path_exists(path) || make(folder, path, err));
    if (ok) {
        const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        ok = fd >= 0 ? read_key(key, fd, path, err)
                     : pf_fail_errno(err, errno, "cannot open '%s'", path);
        if (fd >= 0)
            close(fd);
    }
    pf_free(path);
    return ok;
}

bool pf_study_key_open(pf_study_key *key, pf_err *err)
{
    char *folder = find_folder(err);
    const bool ok = folder && open_in(folder, key, err);
    pf_free(folder);
    return ok;
}

void pf_study_name(const pf_study_key *key, const char *uid,
                   char name[PF_STUDY_NAME_ROOM])
{
    uint8_t hash[PF_SIPHASH_SIZE];
    pf_siphash(hash, key->bytes, uid, strlen(uid));
    memcpy(name, "study-", 6);
    for (int i = 0; i < PF_SIPHASH_SIZE; i++)
        snprintf(name + 6 + 2 * i, 3, "%02x", hash[i]);
}
