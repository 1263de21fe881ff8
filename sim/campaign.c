#include "sim/campaign.h"

#include <inttypes.h>
#include <stdio.h>

#include "core/panic.h"
#include "sim/report.h"

void gkv_campaign_init(struct gkv_campaign *campaign, uint64_t first, uint64_t last)
{
    GKV_ASSERT(first <= last);
    GKV_ASSERT(last < UINT64_MAX);
    *campaign = (struct gkv_campaign){.first = first, .next = first, .last = last};
}

bool gkv_campaign_next(struct gkv_campaign *campaign, uint64_t *seed_out)
{
    if (campaign->is_stopped || campaign->failure_count > 0 || campaign->next > campaign->last) {
        return false;
    }
    *seed_out = campaign->next++;
    return true;
}

void gkv_campaign_stop(struct gkv_campaign *campaign)
{
    campaign->is_stopped = true;
}

void gkv_campaign_add(struct gkv_campaign *campaign, const struct gkv_trial_summary *summary)
{
    GKV_ASSERT(summary->seed >= campaign->first);
    GKV_ASSERT(summary->seed < campaign->next);
    campaign->seed_count++;
    campaign->event_count += summary->event_count;
    campaign->simulated_ns += summary->simulated_ns;
    campaign->operation_count += summary->operation_count;
    campaign->key_count += summary->key_count;
    campaign->wrong_key_count += summary->wrong_key_count;
    gkv_tally_add(&campaign->tally, &summary->tally);
    if (summary->status == GKV_TRIAL_PASS) {
        return;
    }
    if (campaign->failure_count == 0 || summary->seed < campaign->failure.seed) {
        campaign->failure = *summary;
    }
    campaign->failure_count++;
}

uint64_t gkv_campaign_last(const struct gkv_campaign *campaign)
{
    return campaign->next > campaign->first ? campaign->next - 1 : campaign->first;
}

enum gkv_trial_status gkv_campaign_status(const struct gkv_campaign *campaign)
{
    return campaign->failure_count > 0 ? campaign->failure.status : GKV_TRIAL_PASS;
}

/* count per `per` of `span`, where both are in the same unit. */
static uint64_t rate(uint64_t count, uint64_t per, uint64_t span)
{
    return span == 0 ? 0 : count * per / span;
}

struct gkv_campaign_figures gkv_campaign_figures(const struct gkv_campaign *campaign)
{
    /* In microseconds a product stays below 2^64 for 5 billion seeds. */
    const uint64_t cpu_us = campaign->cpu_ns / 1000;
    const uint64_t wall_us = campaign->wall_ns / 1000;
    const uint64_t simulated_us = campaign->simulated_ns / 1000;
    return (struct gkv_campaign_figures){
        .seeds_per_core_hour = rate(campaign->seed_count, UINT64_C(3600000000), cpu_us),
        .events_per_cpu_second = rate(campaign->event_count, 1000000, cpu_us),
        .simulated_per_wall = rate(simulated_us, 1, wall_us),
        .simulated_per_cpu = rate(simulated_us, 1, cpu_us),
    };
}

uint32_t gkv_campaign_reached_count(const struct gkv_campaign *campaign)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < GKV_PREDICATE_COUNT; i++) {
        count += campaign->tally.counts[i] > 0;
    }
    return count;
}

void gkv_campaign_print_end(const struct gkv_campaign *campaign, enum gkv_trial_status status)
{
    const struct gkv_campaign_figures figures = gkv_campaign_figures(campaign);
    printf("figures: seeds-per-core-hour=%" PRIu64 " events-per-cpu-second=%" PRIu64
           " simulated-to-wall=%" PRIu64 " simulated-to-cpu=%" PRIu64 " wall=%" PRIu64 ".%03" PRIu64
           "s cpu=%" PRIu64 ".%03" PRIu64 "s\n",
           figures.seeds_per_core_hour, figures.events_per_cpu_second, figures.simulated_per_wall,
           figures.simulated_per_cpu, campaign->wall_ns / 1000000000,
           campaign->wall_ns / 1000000 % 1000, campaign->cpu_ns / 1000000000,
           campaign->cpu_ns / 1000000 % 1000);
    printf("seeds=%" PRIu64 "..%" PRIu64 " run=%" PRIu64 " failed=%" PRIu64 " events=%" PRIu64
           " simulated=%" PRIu64 "s operations=%" PRIu64 " result=%s\n",
           campaign->first, gkv_campaign_last(campaign), campaign->seed_count,
           campaign->failure_count, campaign->event_count, campaign->simulated_ns / 1000000000,
           campaign->operation_count, gkv_report_status_name(status));
}

void gkv_campaign_print(const struct gkv_campaign *campaign)
{
    gkv_report_tally(&campaign->tally);
    printf("linearizable: %" PRIu64 " of %" PRIu64 " keys\n",
           campaign->key_count - campaign->wrong_key_count, campaign->key_count);
    gkv_campaign_print_end(campaign, gkv_campaign_status(campaign));
}
