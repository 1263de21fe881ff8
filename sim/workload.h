/* Clients: what they ask of which node, and what they do with the answer.
 *
 * Model     Closed loops: each client has one operation under way, thinks, and asks again, any node
 *           that is up, or always the same one, or one after the other. A few keys are hot. Half of
 *           the seeds have clients that do something in turn (enum gkv_mix).
 */
#ifndef GKV_SIM_WORKLOAD_H
#define GKV_SIM_WORKLOAD_H

#include "sim/trial.h"

/* Let the clients begin. */
void gkv_workload_begin(struct gkv_trial *trial);

/* Let the clients read every key again: by every node if reads must repair, else by two. */
void gkv_workload_begin_reading(struct gkv_trial *trial);

/* True when nothing is open and nothing more will be asked in this phase. */
bool gkv_workload_is_over(const struct gkv_trial *trial);

/* A CLIENT occasion. */
void gkv_workload_on_call(struct gkv_trial *trial, uint32_t client);

/* Let a client that does not wait ask: kind, key, node, value_bytes and ttl_ms of the deed. */
void gkv_workload_ask(struct gkv_trial *trial, uint32_t client, const struct gkv_deed *asked);

/* Keep the history: SUBMIT and COMPLETE. */
void gkv_workload_observe(struct gkv_trial *trial, const struct gkv_observation *observation);

#endif
