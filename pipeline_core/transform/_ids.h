/* Ids to rows: a hash table that says where to look, and a comparison in full that decides. Of what
 * is compiled of looking ids up (_ids.c), and of adding purchases up (_sums.c).
 *
 * The table is an array of rows, EMPTY where there is none, twice to four times as long as there
 * are ids; whoever finds a place taken takes the next one (Knuth, TAOCP 6.4, algorithm L). Nobody
 * can choose ids that meet in it: the hash has a secret key, another one for each table.
 *
 * Memory: the table is our own, and Python sees none of it. Offsets and ids lie in buffers that
 * other threads may change at any time, whoever holds the GIL: every offset is read once, and
 * checked after it was read.
 */
#ifndef PIPELINE_CORE_IDS_H
#define PIPELINE_CORE_IDS_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdint.h>
#include <string.h>

enum { EMPTY = -1, KEY_BYTES = 16 };

/* As Arrow has them: `offsets` is one longer than there are ids. */
typedef struct {
    const uint8_t *offsets; /* of int64, at any address */
    const uint8_t *data;
    int64_t data_bytes, count;
} Ids;

typedef struct {
    const uint8_t *start;
    int64_t length;
} Id;

/* Where they were got, and not copied: a buffer may point into itself. */
typedef struct {
    Py_buffer offsets, data;
} Held;

typedef struct {
    Held *held; /* the known ids' buffers, as long as the table is there */
    Ids known;
    uint64_t key[2];
    int bits; /* of a place in `rows` */
    int32_t rows[];
} Table;

/* Volatile: what was checked is not read again. Packed: at any address. */
typedef struct __attribute__((packed)) {
    int64_t value;
} Offset;

static inline int64_t offset_at(const Ids *ids, int64_t row)
{
    return ((const volatile Offset *)ids->offsets)[row].value;
}

/* Whether the id of a row lies within the data. As unsigned numbers, the negative are too large. */
static inline int read_id(const Ids *ids, int64_t row, Id *id)
{
    uint64_t start = (uint64_t)offset_at(ids, row), end = (uint64_t)offset_at(ids, row + 1);
    if (start > end || end > (uint64_t)ids->data_bytes)
        return 0;
    id->start = ids->data + start;
    id->length = (int64_t)(end - start);
    return 1;
}

/* ---------------------------------------------------------------- SipHash-1-3 */

static inline uint64_t rotated(uint64_t word, int bits)
{
    return word << bits | word >> (64 - bits);
}

static inline void sip_round(uint64_t v[4])
{
    v[0] += v[1], v[2] += v[3];
    v[1] = rotated(v[1], 13) ^ v[0], v[3] = rotated(v[3], 16) ^ v[2];
    v[0] = rotated(v[0], 32);
    v[2] += v[1], v[0] += v[3];
    v[1] = rotated(v[1], 17) ^ v[2], v[3] = rotated(v[3], 21) ^ v[0];
    v[2] = rotated(v[2], 32);
}

static inline uint64_t word_at(const uint8_t *place)
{
    uint64_t word;
    memcpy(&word, place, 8);
    return word;
}

/* The last bytes, fewer than eight, as the low ones of a word. */
static inline uint64_t tail_at(const uint8_t *place, int64_t length)
{
    uint64_t word = 0;
    for (int64_t i = 0; i < length; i++)
        word |= (uint64_t)place[i] << 8 * i;
    return word;
}

/* Aumasson and Bernstein, "SipHash: a fast short-input PRF" (2012), with one round a word and
 * three at the end, as in Python's own dictionaries. */
static inline uint64_t hash(const uint64_t key[2], Id id)
{
    uint64_t v[4] = {key[0] ^ 0x736F6D6570736575u, key[1] ^ 0x646F72616E646F6Du,
                     key[0] ^ 0x6C7967656E657261u, key[1] ^ 0x7465646279746573u};
    uint64_t last = (uint64_t)id.length << 56;
    for (; id.length >= 8; id.start += 8, id.length -= 8) {
        uint64_t word = word_at(id.start);
        v[3] ^= word;
        sip_round(v);
        v[0] ^= word;
    }
    last |= tail_at(id.start, id.length);
    v[3] ^= last;
    sip_round(v);
    v[0] ^= last;
    v[2] ^= 0xFF;
    sip_round(v);
    sip_round(v);
    sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* ---------------------------------------------------------------- the table */

static inline uint64_t first_place(const Table *table, Id id)
{
    return hash(table->key, id) >> (64 - table->bits);
}

static inline int is_known_as(const Table *table, int32_t row, Id id)
{
    Id known;
    return read_id(&table->known, row, &known) && known.length == id.length &&
           memcmp(known.start, id.start, (size_t)id.length) == 0;
}

/* The place of an id in the table, or the empty one where it would be, from its first one on. */
static inline uint64_t place_of(const Table *table, Id id, uint64_t place)
{
    uint64_t last = (UINT64_C(1) << table->bits) - 1;
    while (table->rows[place] != EMPTY && !is_known_as(table, table->rows[place], id))
        place = (place + 1) & last;
    return place;
}

/* Memory is slow and the events before have filled the caches: what a few ids need is asked for
 * before the first of them is looked at. */
enum { AT_ONCE = 32 };

/* 0 if an offset does not fit. */
static int look_up(const Table *table, const Ids *ids, int64_t *rows)
{
    Id asked[AT_ONCE], known;
    uint64_t places[AT_ONCE];
    for (int64_t begin = 0; begin < ids->count; begin += AT_ONCE) {
        int64_t left = ids->count - begin, some = left < AT_ONCE ? left : AT_ONCE;
        for (int64_t i = 0; i < some; i++) {
            if (!read_id(ids, begin + i, &asked[i]))
                return 0;
            places[i] = first_place(table, asked[i]);
            __builtin_prefetch(&table->rows[places[i]]);
        }
        for (int64_t i = 0; i < some; i++) {
            int32_t row = table->rows[places[i]];
            if (row != EMPTY)
                __builtin_prefetch(table->known.offsets + sizeof(Offset) * (size_t)row);
        }
        for (int64_t i = 0; i < some; i++) {
            int32_t row = table->rows[places[i]];
            if (row != EMPTY && read_id(&table->known, row, &known))
                __builtin_prefetch(known.start);
        }
        for (int64_t i = 0; i < some; i++)
            rows[begin + i] = table->rows[place_of(table, asked[i], places[i])];
    }
    return 1;
}

/* Of a table's capsule. Its number is another one whenever Table is: what was compiled before that
 * and what is compiled now do not take each other's tables. */
static const char TABLE[] = "pipeline_core.transform._ids.table 2";

#endif
