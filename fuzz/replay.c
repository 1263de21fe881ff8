/* Replays inputs through a harness, without any fuzzer: each argument is a file or a folder of
 * files. A finding ends the process by itself; the name that was printed last is its input. */
#define _POSIX_C_SOURCE 200809L

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fuzz/harness.h"

#define INPUT_BYTES_MAX (16 * 1024 * 1024)

static bool replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        perror(path);
        return false;
    }
    uint8_t *buffer = malloc(INPUT_BYTES_MAX);
    const size_t count = buffer == NULL ? 0 : fread(buffer, 1, INPUT_BYTES_MAX, file);
    const bool is_read = buffer != NULL && ferror(file) == 0;
    (void)fclose(file);
    if (is_read) {
        (void)fprintf(stderr, "%s\n", path);
        /* Exactly as large as the input, so that a sanitizer sees one byte too far. */
        uint8_t *data = malloc(count == 0 ? 1 : count);
        if (data != NULL) {
            memcpy(data, buffer, count);
            (void)LLVMFuzzerTestOneInput(data, count);
        }
        free(data);
    }
    free(buffer);
    return is_read;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

/* Replay what lies in a folder, in the order of names; folders in it are left out. */
static bool replay_folder(const char *path, unsigned *replayed_count)
{
    struct dirent **entries = NULL;
    const int entry_count = scandir(path, &entries, NULL, by_name);
    bool is_well = entry_count >= 0;
    for (int i = 0; i < entry_count; i++) {
        char name[4096];
        struct stat status;
        (void)snprintf(name, sizeof(name), "%s/%s", path, entries[i]->d_name);
        free(entries[i]);
        if (stat(name, &status) == 0 && S_ISREG(status.st_mode)) {
            is_well = replay_file(name) && is_well;
            (*replayed_count)++;
        }
    }
    free(entries);
    return is_well;
}

int main(int argument_count, char **arguments)
{
    bool is_well = true;
    unsigned replayed_count = 0;
    for (int i = 1; i < argument_count; i++) {
        struct stat status;
        if (stat(arguments[i], &status) != 0) {
            perror(arguments[i]);
            is_well = false;
        } else if (S_ISDIR(status.st_mode)) {
            is_well = replay_folder(arguments[i], &replayed_count) && is_well;
        } else {
            is_well = replay_file(arguments[i]) && is_well;
            replayed_count++;
        }
    }
    (void)printf("%u inputs replayed\n", replayed_count);
    if (replayed_count == 0) {
        (void)fprintf(stderr, "usage: %s FILE_OR_FOLDER ...\n", arguments[0]);
    }
    return is_well && replayed_count > 0 ? 0 : 2;
}
