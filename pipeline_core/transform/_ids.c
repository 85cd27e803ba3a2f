/* Ids to rows, for Python: ids.py has the same in numpy, and says what it promises. */
#include "_ids.h"

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

/* ---------------------------------------------------------------- Python */

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

static void free_held(Held *held)
{
    PyBuffer_Release(&held->offsets);
    PyBuffer_Release(&held->data);
    PyMem_RawFree(held);
}

/* NULL, and an exception, if they are no ids. */
static Held *hold(PyObject *from, PyObject *data, Ids *ids)
{
    Held *held = PyMem_RawCalloc(1, sizeof *held);
    if (!held) {
        PyErr_NoMemory();
        return NULL;
    }
    if (PyObject_GetBuffer(data, &held->data, PyBUF_SIMPLE) == 0 &&
        read_ids(from, &held->offsets, &held->data, ids))
        return held;
    free_held(held); /* of what was not got, nothing is released */
    return NULL;
}

static void free_table(Table *table)
{
    free_held(table->held);
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
    PyObject *from, *data;
    const char *bytes;
    Py_ssize_t key_bytes;
    if (!PyArg_ParseTuple(args, "OOy#:table_of", &from, &data, &bytes, &key_bytes))
        return NULL;
    Ids known;
    uint64_t key[2];
    Held *held = read_key(bytes, key_bytes, key) ? hold(from, data, &known) : NULL;
    if (!held)
        return NULL;
    Table *table = new_table(known.count);
    if (!table) {
        free_held(held);
        return NULL;
    }
    table->held = held;
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
