#include "sim/outputs.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "sim/page.h"
#include "sim/trace_chrome.h"
#include "sim/trace_history.h"
#include "sim/trace_shiviz.h"

static bool parse_one(struct gkv_outputs *outputs, char *entry)
{
    char *name = strchr(entry, '=');
    if (name == NULL || name[1] == '\0') {
        return false;
    }
    *name++ = '\0';
    if (strcmp(entry, "chrome") == 0) {
        outputs->chrome = name;
    } else if (strcmp(entry, "shiviz") == 0) {
        outputs->shiviz = name;
    } else if (strcmp(entry, "history") == 0) {
        outputs->history = name;
    } else {
        return false;
    }
    return true;
}

bool gkv_outputs_parse(struct gkv_outputs *outputs, const char *list)
{
    const size_t count = strlen(list);
    if (count == 0 || count >= sizeof(outputs->text)) {
        return false;
    }
    memcpy(outputs->text, list, count + 1);
    char *entry = outputs->text;
    while (entry != NULL) {
        char *comma = strchr(entry, ',');
        if (comma != NULL) {
            *comma++ = '\0';
        }
        if (!parse_one(outputs, entry)) {
            return false;
        }
        entry = comma;
    }
    return true;
}

bool gkv_outputs_wanted(const struct gkv_outputs *outputs)
{
    return outputs != NULL && (outputs->html != NULL || outputs->chrome != NULL ||
                               outputs->shiviz != NULL || outputs->history != NULL);
}

typedef bool writer(const struct gkv_journal *journal, FILE *file);

static bool write_page(const struct gkv_journal *journal, FILE *file)
{
    gkv_page_write(journal, file);
    return true;
}

static bool write_chrome(const struct gkv_journal *journal, FILE *file)
{
    gkv_trace_chrome_write(journal, file);
    return true;
}

static bool write_history(const struct gkv_journal *journal, FILE *file)
{
    gkv_trace_history_write(journal, file);
    return true;
}

static bool write_shiviz(const struct gkv_journal *journal, FILE *file)
{
    return gkv_trace_shiviz_write(journal, file) == GKV_OK;
}

static bool write_one(const struct gkv_journal *journal, const char *name, writer *write)
{
    if (name == NULL) {
        return true;
    }
    FILE *file = fopen(name, "w");
    bool is_written = file != NULL && write(journal, file);
    if (file != NULL) {
        is_written = ferror(file) == 0 && is_written;
        is_written = fclose(file) == 0 && is_written;
    }
    (void)fprintf(stderr, is_written ? "wrote %s\n" : "gridkv-sim: cannot write %s\n", name);
    return is_written;
}

bool gkv_outputs_write(const struct gkv_outputs *outputs, const struct gkv_journal *journal)
{
    bool is_written = write_one(journal, outputs->html, write_page);
    is_written = write_one(journal, outputs->chrome, write_chrome) && is_written;
    is_written = write_one(journal, outputs->shiviz, write_shiviz) && is_written;
    return write_one(journal, outputs->history, write_history) && is_written;
}
