/* What strikes the world while clients are at work, and its end.
 *
 * Model     Each family has a recurring occasion of its own; what exactly strikes is drawn then.
 * Not here  How often, and which families: sim/scenario.h. Loss, latency and the like: the links.
 */
#ifndef GKV_SIM_FAULTS_H
#define GKV_SIM_FAULTS_H

#include "sim/trial.h"

/* Links as in a quiet room; for FORM, HEAL and READ. */
void gkv_faults_calm(struct gkv_trial *trial);

/* Let every family that the scenario has begin. */
void gkv_faults_begin(struct gkv_trial *trial);

/* An occasion of ours: all but CLIENT. */
void gkv_faults_on_call(struct gkv_trial *trial, enum gkv_call call, uint32_t value);

/* Calm the network, and bring back what is down but for the one that the scenario keeps down. */
void gkv_faults_end(struct gkv_trial *trial);

#endif
