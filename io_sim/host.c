#include "io_sim/host.h"

#include <string.h>

#include "core/panic.h"
#include "io_sim/net.h"
#include "io_sim/pool.h"

#define LETTER_COUNT 52 /* nodes that are called by one */
#define ADDRESS_BYTES 7 /* family, IPv4 address, port: as texts print it */
#define ADDRESS_PORT 7000
#define SUBNET_COUNT 250 /* nodes whose addresses differ in the last byte alone */
#define NODE_COUNT_MAX (SUBNET_COUNT * 256)

struct gkv_address gkv_host_address(uint32_t node)
{
    GKV_ASSERT(node < NODE_COUNT_MAX);
    struct gkv_address address = {.count = ADDRESS_BYTES};
    address.bytes[0] = 4;
    address.bytes[1] = 10;
    address.bytes[3] = (uint8_t)(node / SUBNET_COUNT);
    address.bytes[4] = (uint8_t)(node % SUBNET_COUNT + 1);
    address.bytes[5] = ADDRESS_PORT >> 8;
    address.bytes[6] = ADDRESS_PORT & 0xFF;
    return address;
}

uint32_t gkv_host_of_address(const struct gkv_address *address)
{
    if (address->count != ADDRESS_BYTES || address->bytes[4] == 0 ||
        address->bytes[4] > SUBNET_COUNT) {
        return UINT32_MAX;
    }
    const uint32_t node = SUBNET_COUNT * (uint32_t)address->bytes[3] + address->bytes[4] - 1u;
    const struct gkv_address expected = gkv_host_address(node);
    return gkv_address_equal(address, &expected) ? node : UINT32_MAX;
}

struct gkv_host_text gkv_host_text(uint32_t node)
{
    struct gkv_host_text text = {{0}};
    if (node < LETTER_COUNT) {
        text.text[0] = (char)(node < 26 ? 'a' + node : 'A' + (node - 26));
        return text;
    }
    if (node == UINT32_MAX) {
        text.text[0] = '?';
        return text;
    }
    GKV_ASSERT(node < NODE_COUNT_MAX);
    uint32_t digit_count = 0;
    for (uint32_t left = node; left > 0; left /= 10) {
        digit_count++;
    }
    text.text[0] = 'n';
    for (uint32_t left = node; left > 0; left /= 10) {
        text.text[digit_count--] = (char)('0' + left % 10);
    }
    return text;
}

struct gkv_name gkv_host_name(uint32_t node)
{
    const struct gkv_host_text text = gkv_host_text(node);
    struct gkv_name name = {.count = (uint8_t)strlen(text.text)};
    memcpy(name.bytes, text.text, name.count);
    return name;
}

uint32_t gkv_host_of_text(const char *text)
{
    uint32_t node = 0;
    if (text[0] >= 'a' && text[0] <= 'z' && text[1] == '\0') {
        return (uint32_t)(text[0] - 'a');
    }
    if (text[0] >= 'A' && text[0] <= 'Z' && text[1] == '\0') {
        return (uint32_t)(text[0] - 'A') + 26;
    }
    for (const char *at = text + 1; text[0] == 'n' && *at >= '0' && *at <= '9'; at++) {
        node = 10 * node + (uint32_t)(*at - '0');
        if (node >= NODE_COUNT_MAX) {
            return UINT32_MAX;
        }
    }
    /* One node has one name: n7 is none, and n052 neither. */
    return strcmp(gkv_host_text(node).text, text) == 0 ? node : UINT32_MAX;
}

uint32_t gkv_host_of_id(struct gkv_node_id id)
{
    for (uint32_t node = 0; node < GKV_NET_NODE_COUNT_MAX; node++) {
        const struct gkv_name name = gkv_host_name(node);
        if (gkv_node_id_equal(id, gkv_node_id_of_name(&name))) {
            return node;
        }
    }
    return UINT32_MAX;
}

enum gkv_error gkv_host_init(struct gkv_host *host, uint32_t node,
                             const struct gkv_options *options, uint32_t life_count_max)
{
    GKV_ASSERT(life_count_max >= 1);
    GKV_ASSERT(life_count_max <= GKV_HOST_LIFE_COUNT_MAX);
    *host = (struct gkv_host){
        .node = node, .life_count_max = life_count_max, .options = *options, .timer_ns = GKV_NEVER};
    host->options.name = gkv_host_name(node);
    host->options.address = gkv_host_address(node);
    host->options.boot_id = 1;
    host->endpoint_bytes = gkv_endpoint_memory_bytes(&host->options);
    if (host->endpoint_bytes == 0) {
        return GKV_ERROR_OPTION;
    }

    const size_t block_bytes = host->endpoint_bytes + 2 * GKV_HOST_GUARD_BYTES;
    for (uint32_t i = 0; i < life_count_max; i++) {
        host->blocks[i] = gkv_pool_take(block_bytes);
        if (host->blocks[i] == NULL) {
            gkv_host_free(host);
            return GKV_ERROR_MEMORY;
        }
        memset(host->blocks[i], GKV_HOST_GUARD_BYTE, GKV_HOST_GUARD_BYTES);
        memset(host->blocks[i] + block_bytes - GKV_HOST_GUARD_BYTES, GKV_HOST_GUARD_BYTE,
               GKV_HOST_GUARD_BYTES);
    }
    host->errand_buffer = gkv_pool_take(host->options.value_bytes_max);
    if (host->errand_buffer == NULL) {
        gkv_host_free(host);
        return GKV_ERROR_MEMORY;
    }
    return GKV_OK;
}

void gkv_host_free(struct gkv_host *host)
{
    gkv_pool_give(host->errand_buffer);
    host->errand_buffer = NULL;
    for (uint32_t i = 0; i < GKV_HOST_LIFE_COUNT_MAX; i++) {
        gkv_pool_give(host->blocks[i]);
        host->blocks[i] = NULL;
    }
}

struct gkv_now gkv_host_now(const struct gkv_host *host, uint64_t time_ns)
{
    return gkv_sim_clock_read(&host->clock, time_ns);
}

void gkv_host_boot(struct gkv_host *host, uint64_t time_ns, uint64_t luck)
{
    GKV_ASSERT(!host->is_up);
    GKV_ASSERT(host->life_count < host->life_count_max);

    /* A real node takes the wall clock and random bits; a wall clock that went back while it was
     * down must not make the new boot look older, so the true time is taken here. Nor does a real
     * one start twice in a millisecond. */
    const uint64_t boot_id = (gkv_sim_clock_true_ms(time_ns) << 16) | (luck & 0xFFFF);
    host->options.boot_id = boot_id > host->options.boot_id ? boot_id : host->options.boot_id + 1;
    host->options.seed[0] = luck;
    host->options.seed[1] = host->node;
    const enum gkv_error error =
        gkv_endpoint_init(host->blocks[host->life_count] + GKV_HOST_GUARD_BYTES,
                          host->endpoint_bytes, &host->options, &host->endpoint);
    GKV_ASSERT(error == GKV_OK);
    host->life_count++;
    host->is_up = true;
    host->paused_until_ns = 0;
    host->blocked_until_ns = 0;
    host->busy_until_ns = 0;
    host->pause_total_ns = 0;
    host->timer_ns = GKV_NEVER;
    host->timer_generation++;
}

void gkv_host_crash(struct gkv_host *host)
{
    GKV_ASSERT(host->is_up);
    host->is_up = false;
    host->paused_until_ns = 0;
    host->endpoint = NULL;
    host->timer_ns = GKV_NEVER;
    host->timer_generation++;
}

static bool run_get(struct gkv_host *host, const struct gkv_commons *commons, uint64_t wall_ms,
                    const struct gkv_operation *operation, struct gkv_result *result_out)
{
    const struct gkv_buffer buffer = {host->errand_buffer, host->options.value_bytes_max};
    struct gkv_record record;
    const enum gkv_inplace_answer answer =
        gkv_inplace_get(commons, gkv_inplace_key(commons, operation->key), buffer, &record);
    if (answer == GKV_INPLACE_ASK) {
        return false;
    }
    result_out->version = record.version;
    if (answer == GKV_INPLACE_ABSENT || gkv_inplace_is_over(commons, wall_ms, record.expire_ms)) {
        result_out->error = GKV_ERROR_NOT_FOUND;
    } else {
        result_out->expire_ms = record.expire_ms;
        result_out->value = record.value;
    }
    return true;
}

bool gkv_host_run_errand(struct gkv_host *host, struct gkv_now now,
                         const struct gkv_operation *operation, struct gkv_result *result_out)
{
    const struct gkv_commons commons = gkv_node_commons(gkv_endpoint_node(host->endpoint));
    *result_out = (struct gkv_result){.cookie = operation->cookie, .error = GKV_OK};
    if (operation->kind == GKV_OPERATION_GET) {
        return run_get(host, &commons, now.wall_ms, operation, result_out);
    }
    struct gkv_inplace_write write;
    const struct gkv_inplace_caller caller = {now.wall_ms, (uint32_t)operation->cookie};
    const struct gkv_key key = gkv_inplace_key(&commons, operation->key);
    const bool is_done = operation->value.count <= host->options.value_bytes_max &&
                         gkv_inplace_write(&commons, caller, key, operation, &write);
    if (is_done) {
        result_out->version = write.version;
    }
    return is_done;
}

static bool is_guard(const uint8_t *bytes)
{
    for (uint32_t i = 0; i < GKV_HOST_GUARD_BYTES; i++) {
        if (bytes[i] != GKV_HOST_GUARD_BYTE) {
            return false;
        }
    }
    return true;
}

bool gkv_host_is_intact(const struct gkv_host *host)
{
    for (uint32_t i = 0; i < host->life_count_max; i++) {
        if (!is_guard(host->blocks[i]) ||
            !is_guard(host->blocks[i] + GKV_HOST_GUARD_BYTES + host->endpoint_bytes)) {
            return false;
        }
    }
    return true;
}
