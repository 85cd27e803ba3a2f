/* Purchases that are certain, added up: by day, category and segment; by category and product; and
 * the customers of each category and segment. sums.py says what it promises; what a purchase is,
 * and what it brings, is defined by enrich.py and the reports. A row that is not certain (a defect,
 * an id or a label that nobody knows, a return, a sum that would pass MOST_SUM) is handed back.
 *
 * Memory: sums are our own, and one call at a time has them. Everything else lies in buffers that
 * other threads may change at any time: each value is read once, and checked after it was read.
 */
#include "_ids.h"

#include <stdlib.h>

enum { NONE = -1, BLOCK = 64, MOST_LABELS = INT32_MAX, MOST_BITS = 30 };

/* So that keys fit 64 bits, with days below MOST_DAYS. */
static const int64_t MOST_GROUPS = INT64_C(1) << 38, MOST_DAYS = INT64_C(1) << 22;

/* As transform/money.py has it: revenue is hi * 2**32 + lo. MOST_SUM is that of rows; sums of these
 * go up to MOST_TOTAL, from where on that refuses. */
static const int64_t MOST_SUM = INT64_C(1) << 61, MOST_TOTAL = INT64_C(1) << 62;
static const int64_t LOW = (INT64_C(1) << 32) - 1;
static const int64_t MOST_PRICE = (INT64_C(1) << 53) - 1;

/* ---------------------------------------------------------------- maps */

/* Keys to values, in the order in which they came; `slots` say where, twice as many as there is
 * room. */
typedef struct {
    uint64_t *keys;
    uint8_t *values;
    size_t value_bytes;
    int32_t *slots;
    int64_t count, room;
    int bits; /* of a place in `slots` */
} Map;

/* The first place of a key among 2**bits. The secret odd number is why nobody can choose keys that
 * meet. Alone it lays neighbours, which most keys are, side by side in a few heaps, if it is near a
 * fraction of 2**64 (Knuth, TAOCP 6.4, theorem S), and who looks for a place would walk through
 * these: so the halves are mixed twice (degski's 64-bit mixer). */
static inline uint64_t place_in(int bits, uint64_t odd, uint64_t key)
{
    const uint64_t mixer = UINT64_C(0xD6E8FEB86659FD93);
    uint64_t mixed = key * odd;
    mixed = (mixed ^ mixed >> 32) * mixer;
    return (mixed ^ mixed >> 32) * mixer >> (64 - bits);
}

static int grow(Map *map, uint64_t odd)
{
    int bits = map->room ? map->bits + 1 : 5;
    if (bits > MOST_BITS)
        return 0;
    size_t room = (size_t)1 << (bits - 1);
    uint64_t *keys = PyMem_RawRealloc(map->keys, room * sizeof *keys);
    if (keys)
        map->keys = keys;
    uint8_t *values = keys ? PyMem_RawRealloc(map->values, room * map->value_bytes) : NULL;
    if (values)
        map->values = values;
    int32_t *slots = values ? PyMem_RawRealloc(map->slots, 2 * room * sizeof *slots) : NULL;
    if (!slots)
        return 0;
    map->slots = slots;
    map->room = (int64_t)room;
    map->bits = bits;
    memset(slots, 0xFF, 2 * room * sizeof *slots);
    for (int64_t i = 0; i < map->count; i++) {
        uint64_t place = place_in(bits, odd, keys[i]);
        while (slots[place] != EMPTY)
            place = (place + 1) & (2 * room - 1);
        slots[place] = (int32_t)i;
    }
    return 1;
}

/* The value of a key, 0 in all its bytes if it is new; NULL if there is no memory. It stays where
 * it is until the next key is new. */
static inline void *value_of(Map *map, uint64_t odd, uint64_t key)
{
    if (map->count == map->room && !grow(map, odd))
        return NULL;
    uint64_t place = place_in(map->bits, odd, key), last = (UINT64_C(1) << map->bits) - 1;
    for (; map->slots[place] != EMPTY; place = (place + 1) & last)
        if (map->keys[map->slots[place]] == key)
            return map->values + (size_t)map->slots[place] * map->value_bytes;
    void *value = map->values + (size_t)map->count * map->value_bytes;
    memset(value, 0, map->value_bytes);
    map->keys[map->count] = key;
    map->slots[place] = (int32_t)map->count++;
    return value;
}

static void free_map(Map *map)
{
    PyMem_RawFree(map->keys);
    PyMem_RawFree(map->values);
    PyMem_RawFree(map->slots);
}

/* ---------------------------------------------------------------- rules */

enum { FIRST, BEGINS, ENDS, LABELS, PRICES, VIEWS };

/* Customers or products: their ids; what is known of each row; and, where some rows are not always
 * valid, as `_Calendar` of valid_rows.py has it, the first row of each id, and its rows' days. */
typedef struct {
    PyObject *capsule;
    const Table *ids;
    Py_buffer views[VIEWS]; /* `obj` is NULL where there is none */
    int64_t rows, labels;
} Side;

typedef struct {
    Side products, customers;
    int64_t groups, blocks, days;
} Rules;

typedef struct {
    Map by_day, by_product, customers;
    PyObject *rules_capsule;
    const Rules *rules;
    uint64_t odd;
    int is_taken; /* by a call */
} Sums;

typedef struct {
    int64_t units, purchases, hi, lo;
} Sum;

typedef struct __attribute__((packed)) {
    int32_t value;
} Int32;

static inline int64_t int64_at(const void *at, int64_t index)
{
    return ((const volatile Offset *)at)[index].value;
}

static inline int32_t int32_at(const void *at, int64_t index)
{
    return ((const volatile Int32 *)at)[index].value;
}

static inline int bit_at(const void *at, int64_t index)
{
    return ((const volatile uint8_t *)at)[index / 8] >> index % 8 & 1;
}

/* The row of an id that is valid on a day, by its number among the ids; NONE if none is. */
static inline int64_t row_of(const Side *side, int64_t number, int64_t day, int64_t days)
{
    if (!side->views[FIRST].obj)
        return number;
    int64_t first = int64_at(side->views[FIRST].buf, number), from = first;
    int64_t end = int64_at(side->views[FIRST].buf, number + 1);
    if (first < 0 || first > end || end > side->rows)
        return NONE;
    while (from < end) { /* to behind the last row that has begun */
        int64_t middle = from + (end - from) / 2;
        if (int64_at(side->views[BEGINS].buf, middle) <= number * days + day)
            from = middle + 1;
        else
            end = middle;
    }
    return from > first && day < int64_at(side->views[ENDS].buf, from - 1) ? from - 1 : NONE;
}

/* The code of a row's label; NONE if it has none. */
static inline int64_t label_of(const Side *side, int64_t row)
{
    int64_t label = int32_at(side->views[LABELS].buf, row);
    return label >= 0 && label < side->labels ? label : NONE;
}

/* ---------------------------------------------------------------- adding */

/* Columns of candidates: rows from `first` on. The bits of valid ones are NULL where all are. */
typedef struct {
    const uint8_t *defects, *guests, *quantities, *has_customer, *has_product, *has_price, *prices;
    Ids customers, products;
    int64_t first, rows;
} Columns;

/* As `line_revenue` of money.py. */
static inline Sum line(int64_t units, int64_t price)
{
    int64_t low = units * (price & LOW);
    return (Sum){units, 1, units * (price >> 32) + (low >> 32), low & LOW};
}

/* None of them passes `most`, if `more` does not. */
static inline int fits(const Sum *sum, const Sum *more, int64_t most)
{
    return sum->units <= most - more->units && sum->hi < most - more->hi &&
           sum->purchases <= most - more->purchases;
}

static inline void add_to(Sum *sum, const Sum *more)
{
    sum->units += more->units;
    sum->purchases += more->purchases;
    int64_t low = sum->lo + more->lo;
    sum->hi += more->hi + (low >> 32);
    sum->lo = low & LOW;
}

typedef enum { NO_MEMORY, NO_FIT, HANDED_BACK, ADDED } Result;

/* A row of columns, by the numbers of its product and customer among those that are known. */
static inline Result add_row(Sums *sums, const Columns *columns, int64_t row, int64_t day,
                             int64_t product, int64_t customer)
{
    const Rules *rules = sums->rules;
    int32_t units = int32_at(columns->quantities, row);
    if (((const volatile uint8_t *)columns->defects)[row] || bit_at(columns->guests, row) ||
        (columns->has_customer && !bit_at(columns->has_customer, row)) ||
        (columns->has_product && !bit_at(columns->has_product, row)) || units <= 0 ||
        product < 0 || customer < 0)
        return HANDED_BACK;
    int64_t product_row = row_of(&rules->products, product, day, rules->days);
    int64_t customer_row = row_of(&rules->customers, customer, day, rules->days);
    if (product_row == NONE || customer_row == NONE)
        return HANDED_BACK;
    int64_t category = label_of(&rules->products, product_row);
    int64_t segment = label_of(&rules->customers, customer_row);
    if (columns->prices && columns->has_price && !bit_at(columns->has_price, row))
        return HANDED_BACK;
    int64_t price = columns->prices ? int64_at(columns->prices, row)
                                    : int64_at(rules->products.views[PRICES].buf, product_row);
    if (category == NONE || segment == NONE || price < 0 || price > MOST_PRICE)
        return HANDED_BACK;

    Sum sold = line(units, price);
    uint64_t group = (uint64_t)(category * rules->customers.labels + segment);
    uint64_t by_product = (uint64_t)(category * rules->products.ids->known.count + product);
    uint64_t by_day = (uint64_t)(day * rules->groups) + group;
    uint64_t block = group * (uint64_t)rules->blocks + (uint64_t)customer / BLOCK;
    Sum *of_day = value_of(&sums->by_day, sums->odd, by_day);
    Sum *of_product = value_of(&sums->by_product, sums->odd, by_product);
    uint64_t *customers = value_of(&sums->customers, sums->odd, block);
    if (!of_day || !of_product || !customers)
        return NO_MEMORY;
    if (!fits(of_day, &sold, MOST_SUM) || !fits(of_product, &sold, MOST_SUM))
        return HANDED_BACK;
    add_to(of_day, &sold);
    add_to(of_product, &sold);
    *customers |= UINT64_C(1) << customer % BLOCK;
    return ADDED;
}

/* Writes the rows that are handed back, counted from the columns' first one. */
static Result add_rows(Sums *sums, const Columns *columns, int64_t day, int64_t *rest,
                       int64_t *rest_count)
{
    int64_t products[AT_ONCE], customers[AT_ONCE];
    for (int64_t begin = 0; begin < columns->rows; begin += AT_ONCE) {
        int64_t left = columns->rows - begin, first = columns->first + begin;
        Ids bought = columns->products, buyers = columns->customers;
        bought.count = buyers.count = left < AT_ONCE ? left : AT_ONCE;
        bought.offsets += (size_t)first * sizeof(Offset);
        buyers.offsets += (size_t)first * sizeof(Offset);
        if (!look_up(sums->rules->products.ids, &bought, products) ||
            !look_up(sums->rules->customers.ids, &buyers, customers))
            return NO_FIT;
        for (int64_t i = 0; i < bought.count; i++) {
            Result result = add_row(sums, columns, first + i, day, products[i], customers[i]);
            if (result == NO_MEMORY)
                return NO_MEMORY;
            if (result == HANDED_BACK)
                rest[(*rest_count)++] = begin + i;
        }
    }
    return ADDED;
}

static Result absorb_map(Sums *sums, Map *map, const Map *other)
{
    for (int64_t i = 0; i < other->count; i++) {
        void *value = value_of(map, sums->odd, other->keys[i]);
        const void *more = other->values + (size_t)i * other->value_bytes;
        if (!value)
            return NO_MEMORY;
        if (map == &sums->customers)
            *(uint64_t *)value |= *(const uint64_t *)more;
        else if (fits(value, more, MOST_TOTAL))
            add_to(value, more);
        else
            return NO_FIT;
    }
    return ADDED;
}

/* ---------------------------------------------------------------- Python: rules */

static const char RULES[] = "pipeline_core.transform._sums.rules";
static const char SUMS[] = "pipeline_core.transform._sums.sums";

static PyObject *refused(const char *why)
{
    PyErr_SetString(PyExc_ValueError, why);
    return NULL;
}

static void free_rules(Rules *rules)
{
    Side *sides[] = {&rules->products, &rules->customers};
    for (int i = 0; i < 2; i++) {
        for (int view = 0; view < VIEWS; view++)
            if (sides[i]->views[view].obj)
                PyBuffer_Release(&sides[i]->views[view]);
        Py_XDECREF(sides[i]->capsule);
    }
    PyMem_RawFree(rules);
}

static void forget_rules(PyObject *capsule)
{
    free_rules(PyCapsule_GetPointer(capsule, RULES));
}

static int get_views(Side *side, PyObject *calendar, PyObject *labels, PyObject *prices)
{
    PyObject *from[VIEWS] = {NULL, NULL, NULL, labels, prices};
    if (calendar != Py_None) {
        if (!PyTuple_Check(calendar) || PyTuple_GET_SIZE(calendar) != LABELS)
            return refused("a calendar has three columns") != NULL;
        for (int i = FIRST; i <= ENDS; i++)
            from[i] = PyTuple_GET_ITEM(calendar, i);
    }
    for (int i = FIRST; i < VIEWS; i++)
        if (from[i] && PyObject_GetBuffer(from[i], &side->views[i], PyBUF_SIMPLE) < 0)
            return 0;
    return 1;
}

/* 0, and an exception, if they are none that belong together. */
static int read_side(Side *side, PyObject *capsule, PyObject *calendar, PyObject *labels,
                     PyObject *prices, Py_ssize_t label_count)
{
    if (!PyCapsule_IsValid(capsule, TABLE)) {
        PyErr_SetString(PyExc_TypeError, "the table is none that table_of made");
        return 0;
    }
    side->capsule = Py_NewRef(capsule);
    side->ids = PyCapsule_GetPointer(capsule, TABLE);
    side->labels = label_count;
    if (!get_views(side, calendar, labels, prices))
        return 0;
    const Py_buffer *views = side->views;
    const Py_ssize_t wide = sizeof(Offset);
    int64_t known = side->ids->known.count;
    side->rows = views[FIRST].obj ? views[BEGINS].len / wide : known;
    int do_fit = label_count >= 0 && label_count < MOST_LABELS &&
                 views[LABELS].len / (Py_ssize_t)sizeof(Int32) >= side->rows &&
                 (!prices || views[PRICES].len / wide >= side->rows) &&
                 (!views[FIRST].obj || (views[ENDS].len / wide >= side->rows &&
                                        views[FIRST].len / wide > known));
    if (!do_fit)
        refused("the columns are shorter than there are rows, or there are too many labels");
    return do_fit;
}

static PyObject *rules_of(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *products, *product_days, *categories, *prices, *customers, *customer_days, *segments;
    Py_ssize_t category_count, segment_count, days;
    if (!PyArg_ParseTuple(args, "OOOOnOOOnn:rules_of", &products, &product_days, &categories,
                          &prices, &category_count, &customers, &customer_days, &segments,
                          &segment_count, &days))
        return NULL;
    Rules *rules = PyMem_RawCalloc(1, sizeof *rules);
    if (!rules)
        return PyErr_NoMemory();
    PyObject *made = NULL;
    if (read_side(&rules->products, products, product_days, categories, prices, category_count) &&
        read_side(&rules->customers, customers, customer_days, segments, NULL, segment_count)) {
        rules->groups = (int64_t)category_count * segment_count;
        rules->blocks = rules->customers.ids->known.count / BLOCK + 1;
        rules->days = days;
        if (rules->groups > MOST_GROUPS || days < 1 || days > MOST_DAYS)
            refused("there are too many groups, or days");
        else
            made = PyCapsule_New(rules, RULES, forget_rules);
    }
    if (!made)
        free_rules(rules);
    return made;
}

/* ---------------------------------------------------------------- Python: sums */

static void forget_sums(PyObject *capsule)
{
    Sums *sums = PyCapsule_GetPointer(capsule, SUMS);
    free_map(&sums->by_day);
    free_map(&sums->by_product);
    free_map(&sums->customers);
    Py_DECREF(sums->rules_capsule);
    PyMem_RawFree(sums);
}

static PyObject *sums_by(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *capsule;
    unsigned long long secret;
    if (!PyArg_ParseTuple(args, "OK:sums_by", &capsule, &secret))
        return NULL;
    if (!PyCapsule_IsValid(capsule, RULES)) {
        PyErr_SetString(PyExc_TypeError, "the rules are none that rules_of made");
        return NULL;
    }
    Sums *sums = PyMem_RawCalloc(1, sizeof *sums);
    if (!sums)
        return PyErr_NoMemory();
    sums->by_day.value_bytes = sums->by_product.value_bytes = sizeof(Sum);
    sums->customers.value_bytes = sizeof(uint64_t);
    sums->odd = secret | 1;
    sums->rules = PyCapsule_GetPointer(capsule, RULES);
    PyObject *made = PyCapsule_New(sums, SUMS, forget_sums);
    if (made)
        sums->rules_capsule = Py_NewRef(capsule);
    else
        PyMem_RawFree(sums);
    return made;
}

/* For this call alone; NULL, and an exception, if it is none, or another call has it. */
static Sums *take_sums(PyObject *capsule)
{
    if (!PyCapsule_IsValid(capsule, SUMS)) {
        PyErr_SetString(PyExc_TypeError, "the sums are none that sums_by made");
        return NULL;
    }
    Sums *sums = PyCapsule_GetPointer(capsule, SUMS);
    if (sums->is_taken) {
        refused("the sums are in another call");
        return NULL;
    }
    sums->is_taken = 1;
    return sums;
}

/* NULL, and an exception, if the result was none. */
static PyObject *failed(Result result, const char *misfit)
{
    return result == NO_MEMORY ? PyErr_NoMemory() : refused(misfit);
}

enum { DEFECTS, GUESTS, QUANTITIES, HAS_CUSTOMER, CUSTOMER_OFFSETS, CUSTOMERS, HAS_PRODUCT,
       PRODUCT_OFFSETS, PRODUCTS, HAS_PRICE, PRICE, BUFFERS };

static Ids ids_in(const Py_buffer *offsets, const Py_buffer *texts)
{
    return (Ids){offsets->buf, texts->buf ? texts->buf : (const void *)"", texts->len, 0};
}

/* 0 if one of them is shorter than the columns are. */
static int read_columns(const Py_buffer *views, Py_ssize_t first, Py_ssize_t rows,
                        Columns *columns)
{
    if (first < 0 || rows < 0 || first > PY_SSIZE_T_MAX / 16 || rows > PY_SSIZE_T_MAX / 16)
        return 0;
    const Py_ssize_t end = first + rows, bits = (end + 7) / 8, wide = sizeof(Offset);
    const Py_ssize_t least[BUFFERS] = {
        end, bits, end * (Py_ssize_t)sizeof(Int32), bits, (end + 1) * wide, 0, bits,
        (end + 1) * wide, 0, bits, end * wide};
    for (int i = 0; i < BUFFERS; i++)
        if (views[i].obj && views[i].len < least[i])
            return 0;
    *columns = (Columns){views[DEFECTS].buf, views[GUESTS].buf, views[QUANTITIES].buf,
                         views[HAS_CUSTOMER].buf, views[HAS_PRODUCT].buf, views[HAS_PRICE].buf,
                         views[PRICE].buf,
                         ids_in(&views[CUSTOMER_OFFSETS], &views[CUSTOMERS]),
                         ids_in(&views[PRODUCT_OFFSETS], &views[PRODUCTS]), first, rows};
    return 1;
}

/* With buffers that are held meanwhile. */
static PyObject *added(Sums *sums, Py_ssize_t day, const Py_buffer *views, Py_ssize_t first,
                       Py_ssize_t rows)
{
    Columns columns;
    if (!read_columns(views, first, rows, &columns))
        return refused("the columns are shorter than there are rows");
    if (day < 0 || day >= sums->rules->days)
        return refused("there is no such day");
    int64_t *rest = PyMem_RawMalloc(((size_t)rows + 1) * sizeof *rest), count = 0;
    if (!rest)
        return PyErr_NoMemory();
    Result result;
    Py_BEGIN_ALLOW_THREADS
    result = add_rows(sums, &columns, day, rest, &count);
    Py_END_ALLOW_THREADS
    PyObject *found =
        result == ADDED
            ? PyBytes_FromStringAndSize((const char *)rest, count * (Py_ssize_t)sizeof *rest)
            : failed(result, "the offsets do not fit the ids");
    PyMem_RawFree(rest);
    return found;
}

static PyObject *add(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *capsule, *from;
    Py_ssize_t day, first, rows;
    if (!PyArg_ParseTuple(args, "OnnnO!:add", &capsule, &day, &first, &rows, &PyTuple_Type, &from))
        return NULL;
    Py_buffer v[BUFFERS];
    if (!PyArg_ParseTuple(from, "y*y*y*z*y*y*z*y*y*z*z*:add", &v[0], &v[1], &v[2], &v[3], &v[4],
                          &v[5], &v[6], &v[7], &v[8], &v[9], &v[10]))
        return NULL;
    Sums *sums = take_sums(capsule);
    PyObject *found = sums ? added(sums, day, v, first, rows) : NULL;
    if (sums)
        sums->is_taken = 0;
    for (int i = 0; i < BUFFERS; i++)
        PyBuffer_Release(&v[i]);
    return found;
}

static PyObject *absorb(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *into, *from;
    if (!PyArg_ParseTuple(args, "OO:absorb", &into, &from))
        return NULL;
    Sums *sums = take_sums(into);
    if (!sums)
        return NULL;
    Sums *other = take_sums(from);
    Result result = NO_FIT;
    if (other && other->rules == sums->rules) {
        Py_BEGIN_ALLOW_THREADS
        result = absorb_map(sums, &sums->by_day, &other->by_day);
        if (result == ADDED)
            result = absorb_map(sums, &sums->by_product, &other->by_product);
        if (result == ADDED)
            result = absorb_map(sums, &sums->customers, &other->customers);
        Py_END_ALLOW_THREADS
        if (result != ADDED)
            failed(result, "a sum would be too large");
    } else if (other) {
        refused("the sums are of other rules");
    }
    sums->is_taken = 0;
    if (other)
        other->is_taken = 0;
    return result == ADDED ? Py_NewRef(Py_None) : NULL;
}

static PyObject *size_of(PyObject *Py_UNUSED(module), PyObject *capsule)
{
    Sums *sums = take_sums(capsule);
    if (!sums)
        return NULL;
    int64_t size = sums->by_day.count + sums->by_product.count + sums->customers.count;
    sums->is_taken = 0;
    return PyLong_FromLongLong(size);
}

/* ---------------------------------------------------------------- Python: what came of them */

typedef struct {
    uint64_t key;
    int64_t index;
} Entry;

static int by_key(const void *left, const void *right)
{
    uint64_t a = ((const Entry *)left)->key, b = ((const Entry *)right)->key;
    return (a > b) - (a < b);
}

/* The entries of a map by their keys; NULL, and an exception, if there is no memory. */
static Entry *sorted(const Map *map)
{
    Entry *entries = PyMem_RawMalloc(((size_t)map->count + 1) * sizeof *entries);
    if (!entries) {
        PyErr_NoMemory();
        return NULL;
    }
    for (int64_t i = 0; i < map->count; i++)
        entries[i] = (Entry){map->keys[i], i};
    qsort(entries, (size_t)map->count, sizeof *entries, by_key);
    return entries;
}

/* Columns of int64: keys, units, purchases, hi and lo. A sum of nothing is none. */
static PyObject *columns_of(const Map *map)
{
    enum { COLUMNS = 5 };
    int64_t *written[COLUMNS], count = 0;
    for (int64_t i = 0; i < map->count; i++)
        count += ((const Sum *)map->values)[i].purchases != 0;
    Entry *entries = sorted(map);
    PyObject *found = entries ? PyTuple_New(COLUMNS) : NULL;
    for (int column = 0; found && column < COLUMNS; column++) {
        PyObject *bytes = PyBytes_FromStringAndSize(NULL, count * (Py_ssize_t)sizeof(int64_t));
        if (bytes) {
            PyTuple_SET_ITEM(found, column, bytes);
            written[column] = (int64_t *)PyBytes_AS_STRING(bytes);
        } else {
            Py_CLEAR(found);
        }
    }
    for (int64_t i = 0, at = 0; found && i < map->count; i++) {
        Sum sum = ((const Sum *)map->values)[entries[i].index];
        if (!sum.purchases)
            continue;
        const int64_t row[COLUMNS] = {(int64_t)entries[i].key, sum.units, sum.purchases, sum.hi,
                                      sum.lo};
        for (int column = 0; column < COLUMNS; column++)
            written[column][at] = row[column];
        at++;
    }
    PyMem_RawFree(entries);
    return found;
}

static PyObject *by_day(PyObject *Py_UNUSED(module), PyObject *capsule)
{
    Sums *sums = take_sums(capsule);
    if (!sums)
        return NULL;
    PyObject *found = columns_of(&sums->by_day);
    sums->is_taken = 0;
    return found;
}

static PyObject *by_product(PyObject *Py_UNUSED(module), PyObject *capsule)
{
    Sums *sums = take_sums(capsule);
    if (!sums)
        return NULL;
    PyObject *found = columns_of(&sums->by_product);
    sums->is_taken = 0;
    return found;
}

/* Numbers of customers as uint32, by group; and as int64, how many there are up to the end of each
 * group that has some. */
static PyObject *customers_of(const Map *map, int64_t blocks)
{
    Py_ssize_t places = 0, groups = 0;
    for (int64_t i = 0; i < map->count; i++)
        places += __builtin_popcountll(((const uint64_t *)map->values)[i]);
    Entry *entries = sorted(map);
    if (!entries)
        return NULL;
    uint32_t *numbers = PyMem_RawMalloc(((size_t)places + 1) * sizeof *numbers);
    int64_t *ends = PyMem_RawMalloc(((size_t)map->count + 1) * sizeof *ends);
    PyObject *found = NULL;
    Py_ssize_t at = 0;
    uint64_t last = 0;
    for (int64_t i = 0; numbers && ends && i < map->count; i++) {
        uint64_t bits = ((const uint64_t *)map->values)[entries[i].index];
        uint64_t group = entries[i].key / (uint64_t)blocks;
        uint64_t block = entries[i].key % (uint64_t)blocks;
        if (!bits)
            continue;
        groups += !groups || last != group;
        last = group;
        for (; bits; bits &= bits - 1)
            numbers[at++] = (uint32_t)(block * BLOCK + (uint64_t)__builtin_ctzll(bits));
        ends[groups - 1] = at;
    }
    if (numbers && ends)
        found = Py_BuildValue("y#y#", numbers, places * (Py_ssize_t)sizeof *numbers, ends,
                              groups * (Py_ssize_t)sizeof *ends);
    else
        PyErr_NoMemory();
    PyMem_RawFree(numbers);
    PyMem_RawFree(ends);
    PyMem_RawFree(entries);
    return found;
}

static PyObject *customers(PyObject *Py_UNUSED(module), PyObject *capsule)
{
    Sums *sums = take_sums(capsule);
    if (!sums)
        return NULL;
    PyObject *found = customers_of(&sums->customers, sums->rules->blocks);
    sums->is_taken = 0;
    return found;
}

static PyObject *place_of_key(PyObject *Py_UNUSED(module), PyObject *args)
{
    unsigned long long secret, key;
    int bits;
    if (!PyArg_ParseTuple(args, "KiK:place_of_key", &secret, &bits, &key))
        return NULL;
    if (bits < 1 || bits > MOST_BITS)
        return refused("there are no so many bits");
    return PyLong_FromUnsignedLongLong(place_in(bits, secret | 1, key));
}

static PyMethodDef methods[] = {
    {"rules_of", rules_of, METH_VARARGS,
     "rules_of(products, product_days, categories, prices, category_count, customers, "
     "customer_days, segments, segment_count, days) -> rules"},
    {"sums_by", sums_by, METH_VARARGS, "sums_by(rules, secret) -> sums"},
    {"add", add, METH_VARARGS, "add(sums, day, first, rows, columns) -> bytes of int64"},
    {"absorb", absorb, METH_VARARGS, "absorb(sums, others) -> None"},
    {"place_of_key", place_of_key, METH_VARARGS,
     "place_of_key(secret, bits, key) -> int: where a map looks first, to see how keys spread"},
    {"size_of", size_of, METH_O, "size_of(sums) -> int"},
    {"by_day", by_day, METH_O, "by_day(sums) -> tuple"},
    {"by_product", by_product, METH_O, "by_product(sums) -> tuple"},
    {"customers", customers, METH_O, "customers(sums) -> tuple"},
    {NULL, NULL, 0, NULL},
};

static int add_constants(PyObject *made)
{
    PyObject *most = PyLong_FromLongLong(MOST_GROUPS);
    int failed = most ? PyModule_AddObjectRef(made, "MOST_GROUPS", most) : -1;
    Py_XDECREF(most);
    return failed;
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, add_constants}, {0, NULL}};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT, "_sums", "What is compiled of adding purchases up; see sums.py.", 0,
    methods, slots, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit__sums(void) { return PyModuleDef_Init(&module); }
