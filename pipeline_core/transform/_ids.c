/* Ids to rows: a hash table that says where to look, and a comparison in full that decides.
 * ids.py has the same in numpy, and says what it promises.
 *
 * The table is an array of rows, EMPTY where there is none, twice to four times as long as there
 * are ids; whoever finds a place taken takes the next one (Knuth, TAOCP 6.4, algorithm L). Nobody
 * can choose ids that meet in it: the hash has a secret key, another one for each table.
 *
 * Memory: the table is our own, and Python sees none of it. Offsets and ids lie in buffers that
 * other threads may change at any time, whoever holds the GIL: every offset is read once, and
 * checked after it was read.
 */
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

typedef struct {
    Py_buffer offsets, data; /* of the known ids, held as long as the table is there */
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

/* 0 if an offset does not fit. */
static int fill(Table *table)
{
    memset(table->rows, 0xFF, sizeof(int32_t) << table->bits);
    for (int64_t row = 0; row < table->known.count; row++) {
        Id id;
        if (!read_id(&table->known, row, &id))
            return 0;
        table->rows[place_of(table, id, first_place(table, id))] = (int32_t)row;
    }
    return 1;
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

/* ---------------------------------------------------------------- Python */

static const char TABLE[] = "pipeline_core.transform._ids.table";

/* The bits of a table for so many ids: at most half of it is taken. */
static int bits_for(int64_t count)
{
    int bits = 3;
    while ((INT64_C(1) << bits) < 2 * count)
        bits++;
    return bits;
}

static PyObject *misfit(void)
{
    PyErr_SetString(PyExc_ValueError, "the offsets do not fit the ids");
    return NULL;
}

/* 0, and an exception, if it is none. */
static int read_key(const char *bytes, Py_ssize_t length, uint64_t key[2])
{
    if (length != KEY_BYTES) {
        PyErr_SetString(PyExc_ValueError, "a key has 16 bytes");
        return 0;
    }
    memcpy(key, bytes, KEY_BYTES);
    return 1;
}

static int is_of_int64(const Py_buffer *view)
{
    const char *format = view->format ? view->format : "B";
    format += *format == '@' || *format == '=';
    return view->itemsize == 8 && (*format == 'l' || *format == 'q') && !format[1];
}

/* Gets the offsets' buffer; 0, and an exception, if they are none. `data` is there already. */
static int read_ids(PyObject *from, Py_buffer *offsets, const Py_buffer *data, Ids *ids)
{
    if (PyObject_GetBuffer(from, offsets, PyBUF_C_CONTIGUOUS | PyBUF_FORMAT) < 0)
        return 0;
    ids->offsets = offsets->buf;
    ids->data = data->buf ? data->buf : (const uint8_t *)"";
    ids->data_bytes = data->len;
    ids->count = offsets->len / (Py_ssize_t)sizeof(Offset) - 1;
    if (is_of_int64(offsets) && offsets->ndim == 1 && ids->count >= 0 && ids->count < INT32_MAX)
        return 1;
    PyBuffer_Release(offsets);
    misfit();
    return 0;
}

static void free_table(Table *table)
{
    PyBuffer_Release(&table->offsets);
    PyBuffer_Release(&table->data);
    PyMem_RawFree(table);
}

static void forget_table(PyObject *capsule)
{
    free_table(PyCapsule_GetPointer(capsule, TABLE));
}

static Table *new_table(int64_t count)
{
    int bits = bits_for(count);
    Table *table = PyMem_RawMalloc(sizeof(Table) + (sizeof(int32_t) << bits));
    if (table)
        table->bits = bits;
    else
        PyErr_NoMemory();
    return table;
}

static PyObject *table_of(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *from;
    Py_buffer offsets, data;
    const char *bytes;
    Py_ssize_t key_bytes;
    if (!PyArg_ParseTuple(args, "Oy*y#:table_of", &from, &data, &bytes, &key_bytes))
        return NULL;
    Ids known;
    uint64_t key[2];
    Table *table = NULL;
    if (read_key(bytes, key_bytes, key) && read_ids(from, &offsets, &data, &known) &&
        !(table = new_table(known.count)))
        PyBuffer_Release(&offsets);
    if (!table) {
        PyBuffer_Release(&data);
        return NULL;
    }
    table->offsets = offsets;
    table->data = data;
    table->known = known;
    memcpy(table->key, key, KEY_BYTES);
    int fits;
    Py_BEGIN_ALLOW_THREADS
    fits = fill(table);
    Py_END_ALLOW_THREADS
    PyObject *made = fits ? PyCapsule_New(table, TABLE, forget_table) : misfit();
    if (!made)
        free_table(table);
    return made;
}

static PyObject *rows_of(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *capsule, *from;
    Py_buffer offsets, data;
    if (!PyArg_ParseTuple(args, "OOy*:rows_of", &capsule, &from, &data))
        return NULL;
    Ids ids;
    const Table *table = NULL;
    PyObject *found = NULL;
    if (!PyCapsule_IsValid(capsule, TABLE))
        PyErr_SetString(PyExc_TypeError, "the table is none that table_of made");
    else if (read_ids(from, &offsets, &data, &ids)) {
        table = PyCapsule_GetPointer(capsule, TABLE);
        found = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)sizeof(int64_t) * ids.count);
    }
    if (found) {
        int64_t *rows = (int64_t *)PyBytes_AS_STRING(found);
        int fits;
        Py_BEGIN_ALLOW_THREADS
        fits = look_up(table, &ids, rows);
        Py_END_ALLOW_THREADS
        if (!fits) {
            Py_CLEAR(found);
            misfit();
        }
    }
    if (table)
        PyBuffer_Release(&offsets);
    PyBuffer_Release(&data);
    return found;
}

static PyObject *hash_of(PyObject *Py_UNUSED(module), PyObject *args)
{
    const char *id, *bytes;
    Py_ssize_t length, key_bytes;
    if (!PyArg_ParseTuple(args, "y#y#:hash_of", &id, &length, &bytes, &key_bytes))
        return NULL;
    uint64_t key[2];
    if (!read_key(bytes, key_bytes, key))
        return NULL;
    return PyLong_FromUnsignedLongLong(hash(key, (Id){(const uint8_t *)id, length}));
}

static PyMethodDef methods[] = {
    {"table_of", table_of, METH_VARARGS, "table_of(offsets, data, key) -> a table"},
    {"rows_of", rows_of, METH_VARARGS, "rows_of(table, offsets, data) -> bytes of int64"},
    {"hash_of", hash_of, METH_VARARGS,
     "hash_of(id, key) -> int: SipHash-1-3, to compare with other implementations"},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT, "_ids", "What is compiled of looking ids up; see ids.py.", 0, methods,
    NULL, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit__ids(void) { return PyModuleDef_Init(&module); }
