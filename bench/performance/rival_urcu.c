/* liburcu's rculfhash: lock-free chains; a value is replaced by a new entry, and the old one is
 * freed when no reader can hold it any more. */
#include <stdlib.h>
#include <string.h>

#define URCU_API_MAP
#include <urcu/urcu-memb.h>

#include <urcu/rculfhash.h> /* after the flavor */

#include "bench/performance/rival.h"
#include "core/hash.h"

const enum rival_kind rival_kind = RIVAL_STORE;

struct entry {
    struct cds_lfht_node node;
    struct rcu_head head;
    uint64_t version;
    uint32_t value_bytes;
    uint8_t bytes[]; /* key, value */
};

static struct cds_lfht *table;
static uint64_t stamp;

void rival_open(const struct rival_shape *shape)
{
    unsigned long count = 1;
    while (count < shape->key_count) {
        count *= 2;
    }
    table = cds_lfht_new_flavor(count, count, count, 0, &urcu_memb_flavor, NULL);
    if (table == NULL) {
        rival_fail("no memory");
    }
}

void rival_enter(void)
{
    urcu_memb_register_thread();
}

void rival_leave(void)
{
    urcu_memb_unregister_thread();
}

static struct entry *entry_of(struct cds_lfht_node *node)
{
    return caa_container_of(node, struct entry, node);
}

static int match(struct cds_lfht_node *node, const void *key)
{
    return memcmp(entry_of(node)->bytes, key, RIVAL_KEY_BYTES) == 0;
}

static void free_entry(struct rcu_head *head)
{
    free(caa_container_of(head, struct entry, head));
}

bool rival_set(const struct rival_key *key, const uint8_t *value, uint32_t value_bytes)
{
    struct entry *entry = malloc(sizeof(*entry) + RIVAL_KEY_BYTES + value_bytes);
    if (entry == NULL) {
        rival_fail("no memory");
    }
    cds_lfht_node_init(&entry->node);
    entry->version = uatomic_add_return(&stamp, 1);
    entry->value_bytes = value_bytes;
    memcpy(entry->bytes, key->words, RIVAL_KEY_BYTES);
    memcpy(entry->bytes + RIVAL_KEY_BYTES, value, value_bytes);
    urcu_memb_read_lock();
    struct cds_lfht_node *old = cds_lfht_add_replace(
        table, gkv_hash(key->words, RIVAL_KEY_BYTES, 0), match, key->words, &entry->node);
    if (old != NULL) {
        urcu_memb_call_rcu(&entry_of(old)->head, free_entry);
    }
    urcu_memb_read_unlock();
    return true;
}

uint32_t rival_get(const struct rival_key *key, uint8_t *out, uint32_t capacity)
{
    uint32_t value_bytes = UINT32_MAX;
    struct cds_lfht_iter at;
    urcu_memb_read_lock();
    cds_lfht_lookup(table, gkv_hash(key->words, RIVAL_KEY_BYTES, 0), match, key->words, &at);
    struct cds_lfht_node *node = cds_lfht_iter_get_node(&at);
    if (node != NULL) {
        const struct entry *entry = entry_of(node);
        value_bytes = entry->value_bytes;
        memcpy(out, entry->bytes + RIVAL_KEY_BYTES,
               value_bytes < capacity ? value_bytes : capacity);
    }
    urcu_memb_read_unlock();
    return value_bytes;
}

bool rival_get_many(const struct rival_key *keys, uint8_t *out, uint32_t capacity)
{
    (void)keys;
    (void)out;
    (void)capacity;
    return false;
}

struct rival_account rival_account(void)
{
    return (struct rival_account){0};
}
