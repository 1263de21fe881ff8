/* Nodes that never come back: what is left of the cluster, its core, must do without them.
 *
 * Model     When the faults stop, some nodes stay cut off for ever, both ways or one way only, or
 *           are down. So few of them that every key has enough owners in the core for W and R.
 *           After that whatever must hold is asked of the core alone.
 * Invariant trial->outsiders is empty before HEAL, and does not change after it began.
 * Not here  How many: sim/scenario.h.
 */
#ifndef GKV_SIM_OUTSIDERS_H
#define GKV_SIM_OUTSIDERS_H

#include "sim/trial.h"

/* Choose them, and cut them off; at the end of gkv_faults_end. */
void gkv_outsiders_choose(struct gkv_trial *trial);

#endif
