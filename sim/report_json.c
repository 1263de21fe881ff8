#include "sim/report_json.h"

#include <inttypes.h>

#include "sim/json.h"
#include "sim/profile.h"
#include "sim/report.h"

static void begin(struct gkv_json *json, FILE *file, const char *kind,
                  const struct gkv_trial_options *options)
{
    gkv_json_init(json, file);
    gkv_json_open(json, '{');
    gkv_json_text_field(json, "kind", kind);
    gkv_json_text_field(json, "commit", gkv_report_commit());
    gkv_json_text_field(json, "profile", gkv_profile_name(options->profile));
}

static void end(struct gkv_json *json, enum gkv_trial_status status)
{
    gkv_json_text_field(json, "result", gkv_report_status_name(status));
    gkv_json_unsigned_field(json, "status", (uint64_t)status);
    gkv_json_close(json, '}');
    (void)fputc('\n', json->file);
    (void)fflush(json->file);
}

static void put_tally(struct gkv_json *json, const struct gkv_tally *tally)
{
    gkv_json_name(json, "asked");
    gkv_json_open(json, '{');
    for (uint32_t i = 0; i < GKV_PREDICATE_COUNT; i++) {
        gkv_json_unsigned_field(json, gkv_tally_name((enum gkv_predicate)i), tally->counts[i]);
    }
    gkv_json_close(json, '}');
}

void gkv_report_json_run(FILE *file, const struct gkv_trial_options *options,
                         const struct gkv_trial_summary *summary)
{
    struct gkv_json json;
    char hash[40];
    (void)snprintf(hash, sizeof(hash), "%016" PRIx64 "%016" PRIx64, summary->chain[0],
                   summary->chain[1]);
    begin(&json, file, "run", options);
    gkv_json_unsigned_field(&json, "seed", summary->seed);
    gkv_json_text_field(&json, "hash", hash);
    gkv_json_unsigned_field(&json, "events", summary->event_count);
    gkv_json_unsigned_field(&json, "simulated_ns", summary->simulated_ns);
    gkv_json_unsigned_field(&json, "operations", summary->operation_count);
    gkv_json_unsigned_field(&json, "draws", summary->draw_count);
    gkv_json_unsigned_field(&json, "keys", summary->key_count);
    gkv_json_unsigned_field(&json, "linearizable_keys",
                            summary->key_count - summary->wrong_key_count);
    put_tally(&json, &summary->tally);
    end(&json, summary->status);
}

void gkv_report_json_failure(FILE *file, const struct gkv_trial_options *options,
                             const struct gkv_trial_summary *summary)
{
    struct gkv_json json;
    char line[GKV_TRIAL_LINE_BYTES];
    struct gkv_trial_options failed = *options;
    failed.seed = summary->seed;
    gkv_report_replay_line(&failed, summary->status, line);
    begin(&json, file, "failure", options);
    gkv_json_unsigned_field(&json, "seed", summary->seed);
    gkv_json_text_field(&json, "check", summary->check);
    gkv_json_unsigned_field(&json, "event", summary->fail_event);
    gkv_json_unsigned_field(&json, "time_ns", summary->fail_ns);
    gkv_json_text_field(&json, "text", summary->text);
    gkv_json_text_field(&json, "replay", line);
    end(&json, summary->status);
}

void gkv_report_json_runs(FILE *file, const struct gkv_trial_options *options,
                          const struct gkv_campaign *campaign)
{
    const struct gkv_campaign_figures figures = gkv_campaign_figures(campaign);
    struct gkv_json json;
    begin(&json, file, "runs", options);
    gkv_json_unsigned_field(&json, "first", campaign->first);
    gkv_json_unsigned_field(&json, "last", gkv_campaign_last(campaign));
    gkv_json_unsigned_field(&json, "seeds", campaign->seed_count);
    gkv_json_unsigned_field(&json, "failures", campaign->failure_count);
    gkv_json_unsigned_field(&json, "events", campaign->event_count);
    gkv_json_unsigned_field(&json, "simulated_ns", campaign->simulated_ns);
    gkv_json_unsigned_field(&json, "operations", campaign->operation_count);
    gkv_json_unsigned_field(&json, "keys", campaign->key_count);
    gkv_json_unsigned_field(&json, "linearizable_keys",
                            campaign->key_count - campaign->wrong_key_count);
    gkv_json_unsigned_field(&json, "reached", gkv_campaign_reached_count(campaign));
    gkv_json_unsigned_field(&json, "reachable", GKV_PREDICATE_COUNT);
    put_tally(&json, &campaign->tally);
    gkv_json_unsigned_field(&json, "wall_ns", campaign->wall_ns);
    gkv_json_unsigned_field(&json, "cpu_ns", campaign->cpu_ns);
    gkv_json_unsigned_field(&json, "seeds_per_core_hour", figures.seeds_per_core_hour);
    gkv_json_unsigned_field(&json, "events_per_cpu_second", figures.events_per_cpu_second);
    gkv_json_unsigned_field(&json, "simulated_per_wall", figures.simulated_per_wall);
    gkv_json_unsigned_field(&json, "simulated_per_cpu", figures.simulated_per_cpu);
    end(&json, gkv_campaign_status(campaign));
}
