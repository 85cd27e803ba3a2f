/* Ids to rows: a hash table that says where to look, and a comparison in full that decides.
 * ids.py has the same in numpy, and says what it promises.
 *
 * The table is an array of rows, EMPTY where there is none, twice to four times as long as there
 * are ids; whoever finds a place taken takes the next one (Knuth, TAOCP 6.4, algorithm L).
 *
 * Memory: offsets are checked against the bytes they point into before anything is read.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdint.h>
#include <string.h>

enum { EMPTY = -1 };

/* As Arrow has them: `offsets` is one longer than there are ids. */
typedef struct {
    const int64_t *offsets;
    const uint8_t *data;
    int64_t count;
} Ids;

typedef struct {
    int32_t *rows;
    int bits; /* of a place in it */
} Table;

/* Eight bytes at once, by the multiplier and the shift of MurmurHash3's finaliser. */
static inline uint64_t hash(const uint8_t *id, int64_t length, uint64_t seed)
{
    const uint64_t factor = 0xFF51AFD7ED558CCDu;
    uint64_t hashed = ((uint64_t)length ^ seed) * factor;
    for (; length > 0; id += 8, length -= 8) {
        uint64_t word = 0;
        if (length >= 8)
            memcpy(&word, id, 8);
        else
            memcpy(&word, id, (size_t)length);
        hashed = (hashed ^ word) * factor;
        hashed ^= hashed >> 33;
    }
    return hashed * factor;
}

static inline int64_t length_of(const Ids *ids, int64_t row)
{
    return ids->offsets[row + 1] - ids->offsets[row];
}

static inline uint64_t first_place(const Table *table, uint64_t seed, const uint8_t *id,
                                   int64_t length)
{
    return hash(id, length, seed) >> (64 - table->bits);
}

/* The place of an id in the table, or the empty one where it would be, from its first one on. */
static inline uint64_t place_of(const Table *table, const Ids *known, const uint8_t *id,
                                int64_t length, uint64_t place)
{
    uint64_t last = (UINT64_C(1) << table->bits) - 1;
    for (;; place = (place + 1) & last) {
        int32_t row = table->rows[place];
        if (row == EMPTY || (length_of(known, row) == length &&
                             memcmp(known->data + known->offsets[row], id, (size_t)length) == 0))
            return place;
    }
}

static void fill(Table *table, const Ids *known, uint64_t seed)
{
    memset(table->rows, 0xFF, sizeof(int32_t) << table->bits);
    for (int64_t row = 0; row < known->count; row++) {
        const uint8_t *id = known->data + known->offsets[row];
        int64_t length = length_of(known, row);
        uint64_t first = first_place(table, seed, id, length);
        table->rows[place_of(table, known, id, length, first)] = (int32_t)row;
    }
}

/* Memory is slow and the events before have filled the caches: what a few ids need is asked for
 * before the first of them is looked at. */
enum { AT_ONCE = 32 };

static void look_up(const Table *table, const Ids *known, uint64_t seed, const Ids *ids,
                    int64_t *rows)
{
    uint64_t places[AT_ONCE];
    for (int64_t begin = 0; begin < ids->count; begin += AT_ONCE) {
        int64_t left = ids->count - begin, some = left < AT_ONCE ? left : AT_ONCE;
        const int64_t *starts = ids->offsets + begin;
        for (int64_t i = 0; i < some; i++) {
            places[i] = first_place(table, seed, ids->data + starts[i], starts[i + 1] - starts[i]);
            __builtin_prefetch(&table->rows[places[i]]);
        }
        for (int64_t i = 0; i < some; i++) {
            int32_t row = table->rows[places[i]];
            if (row != EMPTY)
                __builtin_prefetch(&known->offsets[row]);
        }
        for (int64_t i = 0; i < some; i++) {
            int32_t row = table->rows[places[i]];
            if (row != EMPTY)
                __builtin_prefetch(known->data + known->offsets[row]);
        }
        for (int64_t i = 0; i < some; i++)
            rows[begin + i] = table->rows[place_of(table, known, ids->data + starts[i],
                                                   starts[i + 1] - starts[i], places[i])];
    }
}

/* ---------------------------------------------------------------- Python */

/* The bits of a table for so many ids: at most half of it is taken. */
static int bits_for(int64_t count)
{
    int bits = 3;
    while ((INT64_C(1) << bits) < 2 * count)
        bits++;
    return bits;
}

/* Ids that have a table were checked when it was made. */
static int read_ids(const Py_buffer *offsets, const Py_buffer *data, int is_checked, Ids *ids)
{
    ids->offsets = offsets->buf;
    ids->data = data->buf;
    ids->count = offsets->len / (Py_ssize_t)sizeof(int64_t) - 1;
    int is_sound = ids->count >= 0 && ids->count < INT32_MAX && ids->offsets[0] >= 0 &&
                   ids->offsets[ids->count] <= data->len;
    for (int64_t row = 0; is_sound && !is_checked && row < ids->count; row++)
        is_sound = length_of(ids, row) >= 0;
    if (!is_sound)
        PyErr_SetString(PyExc_ValueError, "the offsets do not fit the ids");
    return is_sound;
}

static PyObject *table_of(PyObject *Py_UNUSED(module), PyObject *args)
{
    Py_buffer offsets, data;
    unsigned long long seed;
    if (!PyArg_ParseTuple(args, "y*y*K:table_of", &offsets, &data, &seed))
        return NULL;
    Ids known;
    PyObject *made = NULL;
    if (read_ids(&offsets, &data, 0, &known)) {
        Table table = {NULL, bits_for(known.count)};
        made = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)(sizeof(int32_t) << table.bits));
        if (made) {
            table.rows = (int32_t *)PyBytes_AS_STRING(made);
            Py_BEGIN_ALLOW_THREADS
            fill(&table, &known, seed);
            Py_END_ALLOW_THREADS
        }
    }
    PyBuffer_Release(&offsets);
    PyBuffer_Release(&data);
    return made;
}

static PyObject *rows_of(PyObject *Py_UNUSED(module), PyObject *args)
{
    Py_buffer buffers[5]; /* the table, the known ids' offsets and data, and those of the ids */
    unsigned long long seed;
    if (!PyArg_ParseTuple(args, "y*y*y*Ky*y*:rows_of", &buffers[0], &buffers[1], &buffers[2],
                          &seed, &buffers[3], &buffers[4]))
        return NULL;
    Ids known, ids;
    PyObject *found = NULL;
    if (read_ids(&buffers[1], &buffers[2], 1, &known) &&
        read_ids(&buffers[3], &buffers[4], 0, &ids)) {
        Table table = {buffers[0].buf, bits_for(known.count)};
        if (buffers[0].len != (Py_ssize_t)(sizeof(int32_t) << table.bits))
            PyErr_SetString(PyExc_ValueError, "the table is not of these ids");
        else
            found = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)sizeof(int64_t) * ids.count);
        if (found) {
            int64_t *rows = (int64_t *)PyBytes_AS_STRING(found);
            Py_BEGIN_ALLOW_THREADS
            look_up(&table, &known, seed, &ids, rows);
            Py_END_ALLOW_THREADS
        }
    }
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++)
        PyBuffer_Release(&buffers[i]);
    return found;
}

static PyMethodDef methods[] = {
    {"table_of", table_of, METH_VARARGS, "table_of(offsets, data, seed) -> bytes"},
    {"rows_of", rows_of, METH_VARARGS,
     "rows_of(table, known_offsets, known_data, seed, offsets, data) -> bytes of int64"},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT, "_ids", "What is compiled of looking ids up; see ids.py.", 0, methods,
    NULL, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit__ids(void) { return PyModuleDef_Init(&module); }
