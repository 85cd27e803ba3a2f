/* What is compiled of reading events. `scan`, the fast tier of decoding: events, in an array, in
 * lines or one after another, to columns, in one pass over the bytes, without a Python object for
 * any event; extract/scan.py says what it promises. `event_borders`, `value_borders`, `value_end`:
 * where a part may be cut; see borders.py. `gather`: the texts of some events.
 *
 * The grammar is RFC 8259, as json.loads has it. Whatever is not certain is left to the general
 * tier: all of the text if it may not be of its shape (scan returns None), one event if its
 * meaning hangs on an escape (its row has the defect UNDECIDED).
 *
 * Memory: no byte at or after `end` is read. Every function gets the place to go on at and
 * returns the place after what it took, NULL if it took nothing. A text may change while it is
 * read, by another thread, whoever holds the GIL: what is found then means nothing, but no place
 * is taken from it, and no length. Spans are such, so each is read once, and checked after that.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif
#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#define WITH_AVX2 __attribute__((target("avx2,bmi")))
#endif

typedef const uint8_t *Place;

/* MOST_DEPTH: levels that are followed, each by a call; settings/limits.py allows no more. */
enum { UNDECIDED = 255, MOST_DEPTH = 512, MOST_TYPES = 16, MOST_DECIMALS = 15, LONG = 63 };

/* Of a price in minor units, as transform/money.py has it. */
#define MAX_PRICE ((int64_t)((1LL << 53) - 1))
enum { NO_PRICE = -1, NONE = -1 };

/* How events stand in a text: windows.py has the same. The text of an OPEN_ARRAY ends anywhere. */
typedef enum { ARRAY, LINES, VALUES, OPEN_ARRAY, SHAPES } Shape;

static inline int is_array(Shape shape) { return shape == ARRAY || shape == OPEN_ARRAY; }

/* Values of an event's fields, by what the rules ask of them. */
typedef enum { MISSING, EMPTY, NONEMPTY, NULL_VALUE, NUMBER, OTHER } Kind;

typedef struct {
    Kind kind;
    Place start, end; /* of a string, without its quotes, or of a number */
} Text;

typedef enum { EVENT_TYPE, CUSTOMER_ID, PRODUCT_ID, PRICE, QUANTITY, ANOTHER } Field;

/* In the order in which their names come; the last one only if events have it. */
enum { LEAST_FIELDS = 4, MOST_NAMES = 5 };
static const Field NAMED[MOST_NAMES] = {EVENT_TYPE, CUSTOMER_ID, PRODUCT_ID, QUANTITY, PRICE};

typedef struct {
    Place text;
    ptrdiff_t length;
} Word;

/* What a shop calls things. */
typedef struct {
    Word fields[MOST_NAMES]; /* as NAMED */
    int field_count;
    int decimals; /* of prices */
    Word types[MOST_TYPES]; /* of purchases, then of returns */
    int type_count, purchase_count;
    int any_ids; /* integers are ids, too */
    uint64_t taken_lengths; /* a bit a length that a type has; that of LONG is for longer ones */
} Feed;

typedef struct {
    Text texts[QUANTITY]; /* by Field */
    int32_t quantity;     /* 0 if it is no integer whose size is from 1 to 2**31 - 1 */
    int undecided;
} Event;

/* ---------------------------------------------------------------- columns */

typedef struct {
    uint8_t *data;
    size_t used, room;
} Column;

static int append(Column *column, const void *data, size_t size)
{
    if (column->room - column->used < size) {
        size_t room = column->room * 2 + size + 256;
        uint8_t *grown = PyMem_RawRealloc(column->data, room);
        if (!grown)
            return 0;
        column->data = grown;
        column->room = room;
    }
    memcpy(column->data + column->used, data, size);
    column->used += size;
    return 1;
}

/* One row a candidate: names and types in extract/scan.py. */
typedef struct {
    Column spans, positions, defects, guests, quantities;
    Column customer_offsets, customers, has_customer, product_offsets, products, has_product;
    Column prices, has_price; /* if it is_priced */
    int is_priced, decimals;
} Rows;

static int append_text(Column *offsets, Column *texts, Column *valid, Text text)
{
    uint8_t is_valid = text.kind == NONEMPTY;
    int64_t offset = (int64_t)texts->used;
    return append(offsets, &offset, sizeof offset) && append(valid, &is_valid, 1) &&
           (!is_valid || append(texts, text.start, (size_t)(text.end - text.start)));
}

static int64_t price_of(Place p, Place end, int decimals, int is_text);

static int append_price(Rows *rows, Text text)
{
    int is_price = text.kind == NONEMPTY || text.kind == NUMBER;
    int64_t price = is_price ? price_of(text.start, text.end, rows->decimals, text.kind == NONEMPTY)
                             : NO_PRICE;
    uint8_t is_valid = price != NO_PRICE;
    return append(&rows->prices, &price, sizeof price) && append(&rows->has_price, &is_valid, 1);
}

static int append_row(Rows *rows, int64_t position, int64_t start, int64_t end, uint8_t defect,
                      const Event *event)
{
    int64_t span[2] = {start, end};
    Text customer = event->texts[CUSTOMER_ID];
    uint8_t guest =
        customer.kind == MISSING || customer.kind == EMPTY || customer.kind == NULL_VALUE;
    return append(&rows->spans, span, sizeof span) &&
           append(&rows->positions, &position, sizeof position) &&
           append(&rows->defects, &defect, 1) && append(&rows->guests, &guest, 1) &&
           append(&rows->quantities, &event->quantity, sizeof event->quantity) &&
           append_text(&rows->customer_offsets, &rows->customers, &rows->has_customer,
                       customer) &&
           append_text(&rows->product_offsets, &rows->products, &rows->has_product,
                       event->texts[PRODUCT_ID]) &&
           (!rows->is_priced || append_price(rows, event->texts[PRICE]));
}

/* ---------------------------------------------------------------- JSON */

static inline Place skip_blanks(Place p, Place end)
{
    while (p < end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
        p++;
    return p;
}

/* Skips characters that stand for themselves in a string: stops at a quote, a backslash, a
 * control character, a byte of 0x80 and more, or the end. Sixteen bytes at once where there is
 * SSE2: below 0x20 as signed bytes are control characters and all from 0x80 on. Else eight, by the
 * zero-byte trick (Warren, Hacker's Delight, 6-1): a borrow comes from a true hit only, so the
 * lowest bit that is set is right. */
static inline Place skip_plain(Place p, Place end)
{
#ifdef __SSE2__
    const __m128i quote = _mm_set1_epi8('"'), escape = _mm_set1_epi8('\\');
    const __m128i blank = _mm_set1_epi8(0x20);
    while (end - p >= 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)p);
        __m128i hits = _mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, escape));
        unsigned places =
            (unsigned)_mm_movemask_epi8(_mm_or_si128(hits, _mm_cmplt_epi8(bytes, blank)));
        if (places)
            return p + __builtin_ctz(places);
        p += 16;
    }
#endif
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    const uint64_t ones = 0x0101010101010101u, highs = 0x8080808080808080u;
    while (end - p >= 8) {
        uint64_t word;
        memcpy(&word, p, 8);
        uint64_t hits = (((word ^ ones * '"') - ones) | ((word ^ ones * '\\') - ones) |
                         (word - ones * 0x20) | word) & highs;
        if (hits)
            return p + (__builtin_ctzll(hits) >> 3);
        p += 8;
    }
#endif
    while (p < end && *p >= 0x20 && *p < 0x80 && *p != '"' && *p != '\\')
        p++;
    return p;
}

static inline int is_tail(Place p) { return (*p & 0xC0) == 0x80; }

/* One character of two to four bytes: Unicode Standard, table 3-7, well-formed UTF-8. */
static Place skip_utf8(Place p, Place end)
{
    uint8_t lead = *p;
    if (lead < 0xC2 || lead > 0xF4)
        return NULL;
    ptrdiff_t length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    if (end - p < length)
        return NULL;
    for (ptrdiff_t i = 1; i < length; i++)
        if (!is_tail(p + i))
            return NULL;
    uint8_t second = p[1];
    if ((lead == 0xE0 && second < 0xA0) || (lead == 0xED && second > 0x9F) ||
        (lead == 0xF0 && second < 0x90) || (lead == 0xF4 && second > 0x8F))
        return NULL;
    return p + length;
}

static inline int is_digit(uint8_t c) { return (uint8_t)(c - '0') < 10; }

static inline int is_hex(uint8_t c)
{
    return is_digit(c) || (uint8_t)((c | 0x20) - 'a') < 6;
}

static Place skip_escape(Place p, Place end)
{
    if (end - p < 2)
        return NULL;
    switch (p[1]) {
    case '"': case '\\': case '/': case 'b': case 'f': case 'n': case 'r': case 't':
        return p + 2;
    case 'u':
        if (end - p < 6 || !is_hex(p[2]) || !is_hex(p[3]) || !is_hex(p[4]) || !is_hex(p[5]))
            return NULL;
        return p + 6;
    default:
        return NULL;
    }
}

/* From after the opening quote; returns the closing one. */
static inline Place scan_string(Place p, Place end, int *escaped)
{
    for (;;) {
        p = skip_plain(p, end);
        if (p == end || *p < 0x20)
            return NULL;
        if (*p == '"')
            return p;
        if (*p == '\\') {
            *escaped = 1;
            p = skip_escape(p, end);
        } else {
            p = skip_utf8(p, end);
        }
        if (!p)
            return NULL;
    }
}

static inline Place skip_digits(Place p, Place end)
{
    Place start = p;
    while (p < end && is_digit(*p))
        p++;
    return p == start ? NULL : p;
}

typedef struct {
    int32_t quantity; /* 0 if it is no integer whose size is from 1 to 2**31 - 1 */
    int is_integer;
} Number;

static Place scan_number(Place p, Place end, Number *found)
{
    found->quantity = 0;
    int negative = *p == '-';
    p += negative;
    Place digits = p;
    if (!(p = skip_digits(p, end)) || (*digits == '0' && p - digits > 1))
        return NULL;
    int64_t number = 0;
    if (p - digits <= 10)
        for (Place digit = digits; digit < p; digit++)
            number = number * 10 + (*digit - '0');
    int is_integer = 1;
    if (p < end && *p == '.') {
        is_integer = 0;
        if (!(p = skip_digits(p + 1, end)))
            return NULL;
    }
    if (p < end && (*p | 0x20) == 'e') {
        is_integer = 0;
        p++;
        if (p < end && (*p == '+' || *p == '-'))
            p++;
        if (!(p = skip_digits(p, end)))
            return NULL;
    }
    if (is_integer && number <= INT32_MAX)
        found->quantity = (int32_t)(negative ? -number : number);
    found->is_integer = is_integer;
    return p;
}

static Place skip_word(Place p, Place end, const char *word, ptrdiff_t length)
{
    return end - p >= length && memcmp(p, word, (size_t)length) == 0 ? p + length : NULL;
}

/* A value of any kind; `depth` levels of arrays and objects may be opened. */
static Place skip_value(Place p, Place end, int depth)
{
    Number ignored;
    int escaped;
    if (p == end)
        return NULL;
    switch (*p) {
    case '"':
        p = scan_string(p + 1, end, &escaped);
        return p ? p + 1 : NULL;
    case 't':
        return skip_word(p, end, "true", 4);
    case 'f':
        return skip_word(p, end, "false", 5);
    case 'n':
        return skip_word(p, end, "null", 4);
    case '[':
    case '{':
        break;
    default:
        return *p == '-' || is_digit(*p) ? scan_number(p, end, &ignored) : NULL;
    }
    int is_object = *p == '{';
    uint8_t closing = is_object ? '}' : ']';
    if (!depth)
        return NULL;
    p = skip_blanks(p + 1, end);
    if (p < end && *p == closing)
        return p + 1;
    for (;;) {
        if (is_object) {
            if (p == end || *p != '"' || !(p = scan_string(p + 1, end, &escaped)))
                return NULL;
            p = skip_blanks(p + 1, end);
            if (p == end || *p != ':')
                return NULL;
            p = skip_blanks(p + 1, end);
        }
        if (!(p = skip_value(p, end, depth - 1)))
            return NULL;
        p = skip_blanks(p, end);
        if (p == end)
            return NULL;
        if (*p == closing)
            return p + 1;
        if (*p != ',')
            return NULL;
        p = skip_blanks(p + 1, end);
    }
}

/* ---------------------------------------------------------------- prices */

/* What follows an `e`, up to a size that no price has. */
static int64_t read_exponent(Place p, Place end)
{
    const int64_t beyond = (int64_t)1 << 40;
    int negative = p < end && *p == '-';
    if (p < end && (*p == '+' || *p == '-'))
        p++;
    int64_t exponent = 0;
    for (; p < end && exponent < beyond; p++)
        exponent = exponent * 10 + (uint8_t)(*p - '0');
    return negative ? -exponent : exponent;
}

/* The digits up to `end`, and one point among them, as minor units, of which the first `places`
 * digits are the whole ones: the others have to be 0. */
static int64_t read_price(Place p, Place end, int64_t places)
{
    int64_t minor = 0;
    for (; p < end; p++) {
        uint8_t c = *p;
        if (c == '.')
            continue;
        if (places-- > 0)
            minor = minor * 10 + (uint8_t)(c - '0');
        else if (c != '0')
            return NO_PRICE;
        if (minor > MAX_PRICE)
            return NO_PRICE;
    }
    while (minor && places-- > 0)
        if ((minor *= 10) > MAX_PRICE)
            return NO_PRICE;
    return minor;
}

/* By its digits, which a JSON number has, or a text with a minus or not, digits and a point or not:
 * NO_PRICE if it is below 0, has more decimals than that, zeros at its end aside, or passes
 * MAX_PRICE. */
static int64_t price_of(Place p, Place end, int decimals, int is_text)
{
    int negative = p < end && *p == '-';
    Place start = p += negative, point = NULL;
    while (p < end && (is_digit(*p) || (*p == '.' && !point))) {
        if (*p == '.')
            point = p;
        p++;
    }
    ptrdiff_t whole = (point ? point : p) - start;
    if ((is_text && p < end) || p - start == (point != NULL))
        return NO_PRICE;
    int64_t exponent = p < end ? read_exponent(p + 1, end) : 0;
    int64_t minor = read_price(start, p, whole + exponent + decimals);
    return negative && minor ? NO_PRICE : minor;
}

/* ---------------------------------------------------------------- events */

static inline Field field_named(const Feed *feed, Place key, ptrdiff_t length)
{
    for (int i = 0; i < feed->field_count; i++) {
        const Word *name = &feed->fields[i];
        if (length == name->length && memcmp(key, name->text, (size_t)length) == 0)
            return NAMED[i];
    }
    return ANOTHER;
}

/* Of keys that come twice the last one counts. */
static inline void set_text(Event *event, Field field, Kind kind, Place start, Place end)
{
    Text text = {kind == NONEMPTY && start == end ? EMPTY : kind, start, end};
    if (field == QUANTITY)
        event->quantity = 0;
    else if (field != ANOTHER)
        event->texts[field] = text;
}

/* The id of an integer is its digits, but that of -0. By its length: a byte that was a digit may be
 * a minus now, with nothing behind it. */
static inline void set_number(Event *event, Field field, const Feed *feed, Place start, Place end,
                              Number number)
{
    int is_id = feed->any_ids && number.is_integer && field != EVENT_TYPE && field != PRICE;
    set_text(event, field, is_id ? NONEMPTY : NUMBER, start, end);
    if (field == QUANTITY)
        event->quantity = number.quantity;
    else if (is_id && field != ANOTHER && end - start == 2 && start[0] == '-' && start[1] == '0')
        event->undecided = 1;
}

/* What an event looks like around its values, by example: an earlier event of the text. Events
 * that one program wrote are alike, so most of them are compared, not parsed. */
enum { MOST_FIELDS = 24, LAYOUTS = 4, WIDE = 32 };

/* Up to WIDE bytes that are always alike, the others 0; and a bit for each of them. */
typedef struct {
    uint8_t bytes[WIDE];
    uint32_t bits;
} Pattern;

typedef struct {
    int count; /* fields; 0 if there is no example, or it has values that are not compared */
    struct {
        Place joint; /* from the value before, or the event's brace, to this value */
        ptrdiff_t length;
        Field field;
        int is_text;
        Pattern pattern;
    } fields[MOST_FIELDS];
    Place closing; /* from the last value to the event's brace, both included */
    ptrdiff_t closing_length;
    Pattern closing_pattern;
    ptrdiff_t least; /* bytes before the brace, in an event of empty values */
    int type; /* the field that says what an event is, NONE if no text does, or a joint is long */
} Layout;

static inline int is_same_word(Place left, Place right)
{
    uint64_t a, b;
    memcpy(&a, left, 8);
    memcpy(&b, right, 8);
    return a == b;
}

/* memcmp, inlined, for what is short; the last eight bytes may be compared twice. */
static inline int is_same(Place left, Place right, ptrdiff_t length)
{
    if (length >= 8) {
        for (ptrdiff_t i = 0; i < length - 8; i += 8)
            if (!is_same_word(left + i, right + i))
                return 0;
        return is_same_word(left + length - 8, right + length - 8);
    }
    while (length--)
        if (*left++ != *right++)
            return 0;
    return 1;
}

/* From a byte of 0x80 or more on: to what is neither that nor stands for itself. */
static __attribute__((noinline)) Place skip_script(Place p, Place end)
{
    while (p && p < end && *p >= 0x80)
        if ((p = skip_utf8(p, end)))
            p = skip_plain(p, end);
    return p;
}

/* An event of a known layout; NULL if it is another one, or not simple. */
static inline Place scan_alike(Place p, Place end, const Layout *layout, const Feed *feed,
                               Event *event)
{
    for (int i = 0; i < layout->count; i++) {
        ptrdiff_t length = layout->fields[i].length;
        Field field = layout->fields[i].field;
        if (end - p < length || !is_same(p, layout->fields[i].joint, length))
            return NULL;
        Place value = p += length;
        if (layout->fields[i].is_text) {
            p = skip_plain(p, end);  /* what stops it but a quote is not in the next joint */
            if (__builtin_expect(p < end && *p >= 0x80, 0) && !(p = skip_script(p, end)))
                return NULL;
            set_text(event, field, NONEMPTY, value, p);
        } else {
            Number number;
            if (p == end || (*p != '-' && !is_digit(*p)) ||
                !(p = scan_number(p, end, &number)))
                return NULL;
            set_number(event, field, feed, value, p, number);
        }
    }
    if (end - p < layout->closing_length || !is_same(p, layout->closing, layout->closing_length))
        return NULL;
    return p + layout->closing_length;
}

static void set_pattern(Pattern *pattern, Place text, ptrdiff_t length)
{
    memset(pattern->bytes, 0, WIDE);
    memcpy(pattern->bytes, text, (size_t)length);
    pattern->bits = (uint32_t)((UINT64_C(1) << length) - 1);
}

static void set_patterns(Layout *layout)
{
    int are_short = layout->closing_length <= WIDE;
    layout->type = NONE;
    layout->least = layout->closing_length - 1;
    for (int i = 0; i < layout->count; i++) {
        are_short &= layout->fields[i].length <= WIDE;
        layout->least += layout->fields[i].length;
        if (layout->fields[i].field == EVENT_TYPE)
            layout->type = layout->fields[i].is_text ? i : NONE;
    }
    if (!are_short)
        layout->type = NONE;
    if (layout->type == NONE)
        return;
    for (int i = 0; i < layout->count; i++)
        set_pattern(&layout->fields[i].pattern, layout->fields[i].joint, layout->fields[i].length);
    set_pattern(&layout->closing_pattern, layout->closing, layout->closing_length);
}

/* An event of any layout, which becomes an example; `p` is its brace. */
static Place scan_event(Place p, Place end, int depth, const Feed *feed, Layout *layout,
                        Event *event)
{
    Place joint = p;
    int fields = 0, is_example = 1;
    p = skip_blanks(p + 1, end);
    layout->count = 0;
    if (p < end && *p == '}')
        return p + 1;
    for (;;) {
        if (p == end || *p != '"')
            return NULL;
        Place key = p + 1;
        int escaped = 0;
        if (!(p = scan_string(key, end, &escaped)))
            return NULL;
        Field field = field_named(feed, key, p - key);
        p = skip_blanks(p + 1, end);
        if (p == end || *p != ':')
            return NULL;
        Place value = p = skip_blanks(p + 1, end);
        if (p == end)
            return NULL;
        int is_text = *p == '"', is_number = *p == '-' || is_digit(*p);
        Place after;
        if (is_text) {
            int is_escaped = 0;
            value = p + 1;
            if (!(after = scan_string(value, end, &is_escaped)))
                return NULL;
            set_text(event, field, NONEMPTY, value, after);
            escaped |= is_escaped && field != ANOTHER;
            p = after + 1;
        } else if (is_number) {
            Number number;
            if (!(after = p = scan_number(value, end, &number)))
                return NULL;
            set_number(event, field, feed, value, p, number);
        } else {
            set_text(event, field, *p == 'n' ? NULL_VALUE : OTHER, NULL, NULL);
            if (!(after = p = skip_value(p, end, depth)))
                return NULL;
            is_example = 0;
        }
        event->undecided |= escaped;
        if (fields < MOST_FIELDS) {
            layout->fields[fields].joint = joint;
            layout->fields[fields].length = value - joint;
            layout->fields[fields].field = field;
            layout->fields[fields].is_text = is_text;
        }
        fields += fields <= MOST_FIELDS; /* more than that are too many, however many */
        joint = after;
        p = skip_blanks(p, end);
        if (p == end)
            return NULL;
        if (*p == '}')
            break;
        if (*p != ',')
            return NULL;
        p = skip_blanks(p + 1, end);
    }
    p++;
    layout->closing = joint;
    layout->closing_length = p - joint;
    if (is_example && !event->undecided && fields <= MOST_FIELDS) {
        layout->count = fields;
        set_patterns(layout);
    }
    return p;
}

/* An event without fields. Where a text is missing, nobody looks at its place. */
static inline void clear(Event *event)
{
    for (int field = EVENT_TYPE; field < QUANTITY; field++)
        event->texts[field].kind = MISSING;
    event->quantity = 0;
    event->undecided = 0;
}

static inline Place scan_known(Place p, Place end, const Layout *layouts, const Feed *feed,
                               Event *event)
{
    for (int i = 0; i < LAYOUTS; i++) {
        if (!layouts[i].count)
            continue;
        clear(event);
        Place after = scan_alike(p, end, &layouts[i], feed, event);
        if (after)
            return after;
    }
    return NULL;
}

/* The place of a type among those that are taken, NONE if it is none of them. */
static inline int taken_type(const Feed *feed, Place start, Place end)
{
    for (int i = 0; i < feed->type_count && start < end; i++)
        if (end - start == feed->types[i].length &&
            is_same(start, feed->types[i].text, feed->types[i].length))
            return i;
    return NONE;
}

/* Whether it is a purchase, or a return, whose quantity is above 0 and counts as less. An invalid
   one of a return stands for itself: UNKNOWN_RETURN. */
static inline int is_taken(const Feed *feed, Event *event)
{
    Text text = event->texts[EVENT_TYPE];
    int type = text.kind == NONEMPTY ? taken_type(feed, text.start, text.end) : NONE;
    if (type != NONE && type >= feed->purchase_count)
        event->quantity = event->quantity > 0 ? -event->quantity : INT32_MIN;
    return type != NONE;
}

typedef struct {
    Place start; /* an event to go on at, or NULL at the text's beginning */
    int64_t most_rows, seen, not_purchase, row_count;
    Place next; /* the event to go on at, the one it is not certain of, NULL after the last one */
    uint8_t not_an_object, invalid_event_type; /* defects */
    int depth;
    Shape shape;
    Feed feed;
} Scan;

typedef enum { DONE, NOT_CERTAIN, NO_MEMORY } Result;

typedef struct {
    Layout layouts[LAYOUTS];
    Pattern gap; /* no bits if there is none */
    unsigned wait, patience; /* items until others are passed over, and what it was before */
    unsigned oldest;
} Examples;

typedef struct {
    Event event;
    uint8_t defect;
    int is_candidate;
} Item;

static inline Place end_of_line(Place p, Place end)
{
    Place found = memchr(p, '\n', (size_t)(end - p));
    return found ? found : end;
}

/* One item, NULL if it is not legal. No example has a line's end in it, and so no event that is
 * alike. */
static inline Place scan_item(Place start, Place end, const Scan *scan, Examples *known, Item *item)
{
    int levels = scan->depth - is_array(scan->shape);
    Place p;
    item->defect = 0;
    item->is_candidate = 1;
    clear(&item->event);
    if (*start != '{') {
        item->defect = scan->not_an_object;
        return skip_value(start, scan->shape == LINES ? end_of_line(start, end) : end, levels);
    }
    if (!(p = scan_known(start, end, known->layouts, &scan->feed, &item->event)) && levels > 0) {
        Layout *example = &known->layouts[known->oldest++ % LAYOUTS];
        if (scan->shape == LINES)
            end = end_of_line(start + 1, end); /* the brace may be none any more */
        clear(&item->event);
        p = scan_event(start, end, levels - 1, &scan->feed, example, &item->event);
    }
    Text type = item->event.texts[EVENT_TYPE];
    if (item->event.undecided)
        item->defect = UNDECIDED;
    else if (type.kind != NONEMPTY && type.kind != EMPTY)
        item->defect = scan->invalid_event_type;
    else
        item->is_candidate = is_taken(&scan->feed, &item->event);
    return p;
}

/* From after an item: the next one, or the end after the last one; NULL if there is something
 * else, or the item may be the last one of an OPEN_ARRAY. */
static inline Place next_item(Place p, Place end, Shape shape)
{
    if (shape == LINES) {
        while (p < end && (*p == ' ' || *p == '\r' || *p == '\t'))
            p++;
        if (p < end && *p != '\n')
            return NULL;
    }
    p = skip_blanks(p, end);
    if (!is_array(shape))
        return p;
    if (p == end || (*p != ',' && (*p != ']' || shape == OPEN_ARRAY)))
        return NULL;
    int is_last = *p == ']';
    p = skip_blanks(p + 1, end);
    return is_last == (p == end) || shape == OPEN_ARRAY ? p : NULL;
}

/* The first item, or the end if there is none; NULL if the text is of another shape. */
static Place first_item(Place text, Place end, Shape shape)
{
    if (!is_array(shape))
        return skip_blanks(text, end);
    if (text == end || *text != '[')
        return NULL;
    Place p = skip_blanks(text + 1, end);
    return p < end && *p == ']' ? next_item(p, end, shape) : p == end ? NULL : p;
}

/* A line that is not legal is one event, and no object. The last one may be cut off. */
static Place bad_line(Place p, Place end, Place *after, const Scan *scan, Item *item)
{
    if ((*after = end_of_line(p, end)) == end)
        return NULL;
    item->defect = scan->not_an_object;
    item->is_candidate = 1;
    clear(&item->event);
    Place last = *after;
    while (last > p && (last[-1] == ' ' || last[-1] == '\r' || last[-1] == '\t'))
        last--;
    return last;
}

/* ---------------------------------------------------------------- events that are alike */

/* An event that is like an example, or none: where it is, and where its values end. */
typedef struct {
    const Layout *layout; /* NULL if there is none */
    Place start, ends[MOST_FIELDS], end;
} Alike;

/* Returns the event's end. */
static Place take_alike(const Alike *alike, const Feed *feed, Item *item)
{
    const Layout *layout = alike->layout;
    Place before = alike->start;
    clear(&item->event);
    for (int i = 0; i < layout->count; i++) {
        Place start = before + layout->fields[i].length, end = before = alike->ends[i];
        Number number;
        if (layout->fields[i].is_text)
            set_text(&item->event, layout->fields[i].field, NONEMPTY, start, end);
        else if (start < end && scan_number(start, end, &number))
            set_number(&item->event, layout->fields[i].field, feed, start, end, number);
    }
    item->defect = 0;
    item->is_candidate = is_taken(feed, &item->event);
    return alike->end;
}

#ifdef WITH_AVX2
static int has_avx2;

WITH_AVX2 static inline __m256i wide_at(const uint8_t *p)
{
    return _mm256_loadu_si256((const __m256i *)p);
}

WITH_AVX2 static inline uint32_t braces_at(Place p)
{
    __m256i braces = _mm256_cmpeq_epi8(wide_at(p), _mm256_set1_epi8('}'));
    return (uint32_t)_mm256_movemask_epi8(braces);
}

WITH_AVX2 static inline int is_pattern(Place p, const Pattern *pattern)
{
    __m256i same = _mm256_cmpeq_epi8(wide_at(p), wide_at(pattern->bytes));
    return !(~(uint32_t)_mm256_movemask_epi8(same) & pattern->bits);
}

/* As skip_plain stops. */
WITH_AVX2 static inline uint32_t stops_at(Place p)
{
    __m256i bytes = wide_at(p);
    __m256i stops = _mm256_or_si256(_mm256_cmpeq_epi8(bytes, _mm256_set1_epi8('"')),
                                    _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8('\\')));
    stops = _mm256_or_si256(stops, _mm256_cmpgt_epi8(_mm256_set1_epi8(0x20), bytes));
    return (uint32_t)_mm256_movemask_epi8(stops);
}

/* The end of a number without sign and exponent, NULL if it is none. */
static inline Place skip_plain_number(Place p, Place end)
{
    Place digits = p;
    if (!(p = skip_digits(p, end)) || (*digits == '0' && p - digits > 1))
        return NULL;
    if (p < end && *p == '.' && !(p = skip_digits(p + 1, end)))
        return NULL;
    return p == end || (*p | 0x20) == 'e' ? NULL : p;
}

/* As scan_alike, for texts and plain numbers. From places up to `last`, which `p` and as many bytes
 * as an event has at least are, 2 * WIDE bytes can be read. Where the event seems to end is looked
 * for first: if that is right, a processor goes on with the next event at once, and not when it
 * knows all places in this one, each of which hangs on the one before. */
WITH_AVX2 static inline Place skip_alike(Place p, Place last, const Layout *layout, Place *ends)
{
    Place from = p + layout->least;
    uint64_t braces = braces_at(from) | (uint64_t)braces_at(from + WIDE) << WIDE;
    /* As a number: where there is no brace it is no place at all. */
    Place guess = (Place)((uintptr_t)from + _tzcnt_u64(braces) + 1);
    for (int i = 0; i < layout->count; i++) {
        if (p > last || !is_pattern(p, &layout->fields[i].pattern))
            return NULL;
        p += layout->fields[i].length;
        if (layout->fields[i].is_text) {
            uint32_t stops;
            while (!(stops = stops_at(p)))
                if ((p += WIDE) > last)
                    return NULL;
            p += _tzcnt_u32(stops);
        } else if (!(p = skip_plain_number(p, last + WIDE))) {
            return NULL;
        }
        ends[i] = p;
    }
    if (p > last || !is_pattern(p, &layout->closing_pattern))
        return NULL;
    p += layout->closing_length;
    if (__builtin_expect(p != guess, 0))
        return p;
    __asm__ volatile("" : "+r"(guess)); /* the compiler is not to know that it is p */
    return guess;
}

/* From an event over those that are like an example, of no type that is taken, and with the gap
 * that is between two behind them: to the first that is not. That one is `found` if it is like the
 * example. */
WITH_AVX2 __attribute__((noinline)) static Place pass_alike(Place p, Place last,
                                                            const Layout *layout,
                                                            const Pattern *gap, uint64_t lengths,
                                                            Alike *found, int64_t *passed)
{
    const int type = layout->type;
    const ptrdiff_t least = layout->least, gap_length = __builtin_popcount(gap->bits) - 1;
    int64_t count = 0;
    for (; last - p >= least; count++) {
        Place after = skip_alike(p, last, layout, found->ends);
        if (!after)
            break;
        Place before = type ? found->ends[type - 1] : p;
        ptrdiff_t length = found->ends[type] - before - layout->fields[type].length;
        if ((lengths >> (length < LONG ? length : LONG) & 1) || !is_pattern(after, gap)) {
            found->layout = layout;
            found->start = p;
            found->end = after;
            break;
        }
        p = after + gap_length;
    }
    *passed += count;
    return p;
}
#endif

/* From an item over events that are no candidates, as long as they are like examples: to the first
 * that may be one. Where none is passed over, the next items are not asked again: up to so many. */
static Place pass_others(Place p, Place end, Scan *scan, Examples *known, Alike *found)
{
    found->layout = NULL;
#ifdef WITH_AVX2
    enum { MOST_PATIENCE = 31 };
    if (!has_avx2 || !known->gap.bits || end - p < 2 * WIDE || (known->wait && known->wait--))
        return p;
    int64_t passed = 0;
    Place begun = NULL;
    while (p != begun && !found->layout) {
        begun = p;
        for (int i = 0; i < LAYOUTS && !found->layout; i++)
            if (known->layouts[i].count && known->layouts[i].type != NONE)
                p = pass_alike(p, end - 2 * WIDE, &known->layouts[i], &known->gap,
                               scan->feed.taken_lengths, found, &passed);
    }
    scan->seen += passed;
    scan->not_purchase += passed;
    known->patience = passed ? 0 : (2 * known->patience + 1) & MOST_PATIENCE;
    known->wait = known->patience;
#endif
    return p;
}

/* What is between two events becomes an example, too, with the brace of the second. */
static void keep_gap(Examples *known, Place after, Place next, Place end)
{
    if (!known->gap.bits && next < end && *next == '{' && next - after < WIDE)
        set_pattern(&known->gap, after, next + 1 - after);
}

static Result scan_events(Place text, Place end, Scan *scan, Rows *rows)
{
    Place p = scan->start ? scan->start : first_item(text, end, scan->shape);
    if (!p)
        return NOT_CERTAIN;
    Examples known;
    known.oldest = 0;
    known.gap.bits = known.wait = known.patience = 0;
    for (int i = 0; i < LAYOUTS; i++)
        known.layouts[i].count = 0;
    while (p < end) {
        Item item;
        Alike alike;
        Place start = p = pass_others(p, end, scan, &known, &alike), last, after;
        last = after = alike.layout ? take_alike(&alike, &scan->feed, &item)
                                    : scan_item(p, end, scan, &known, &item);
        if (!last && scan->shape == LINES)
            last = bad_line(start, end, &after, scan, &item);
        if (!last || !(p = next_item(after, end, scan->shape))) {
            if (scan->shape != OPEN_ARRAY)
                return NOT_CERTAIN;
            scan->next = start;
            break;
        }
        keep_gap(&known, after, p, end);
        if (!item.is_candidate)
            scan->not_purchase++;
        else if (append_row(rows, scan->seen, start - text, last - text, item.defect, &item.event))
            scan->row_count++;
        else
            return NO_MEMORY;
        scan->seen++;
        if (p < end && scan->row_count == scan->most_rows) {
            scan->next = p;
            break;
        }
    }
    int64_t customers_end = (int64_t)rows->customers.used;
    int64_t products_end = (int64_t)rows->products.used;
    return append(&rows->customer_offsets, &customers_end, sizeof customers_end) &&
           append(&rows->product_offsets, &products_end, sizeof products_end) ? DONE : NO_MEMORY;
}

/* ---------------------------------------------------------------- cutting */

/* From after an opening quote to after the closing one, or to the end. */
static inline Place skip_string(Place p, Place end)
{
    while ((p = skip_plain(p, end)) < end && *p != '"')
        p += *p == '\\' && end - p > 1 ? 2 : 1;
    return p < end ? p + 1 : end;
}

enum { BLOCK = 64 };

#ifdef __SSE2__
/* Of BLOCK bytes, a bit a byte. */
static inline uint64_t bits_of(const __m128i equal[4])
{
    uint64_t bits = 0;
    for (int i = 0; i < 4; i++)
        bits |= (uint64_t)(unsigned)_mm_movemask_epi8(equal[i]) << 16 * i;
    return bits;
}

/* Each bit is whether the bits up to it, with it, are an odd number. */
static inline uint64_t odd_up_to(uint64_t bits)
{
    for (int step = 1; step < BLOCK; step *= 2)
        bits ^= bits << step;
    return bits;
}

/* Of BLOCK bytes without a backslash: which are brackets and stand outside of strings; 0 if there
 * is a backslash. `inside` is whether they begin in a string, and becomes whether they end in
 * one. */
static inline int find_brackets(Place p, int *inside, uint64_t *brackets)
{
    const __m128i quote = _mm_set1_epi8('"'), escape = _mm_set1_epi8('\\');
    const __m128i opening = _mm_set1_epi8('{'), closing = _mm_set1_epi8('}');
    const __m128i curly = _mm_set1_epi8(0x20); /* what [ and ] differ in from { and } */
    __m128i quotes[4], either[4], escapes = _mm_setzero_si128();
    for (int i = 0; i < 4; i++) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)p + i);
        __m128i folded = _mm_or_si128(bytes, curly);
        quotes[i] = _mm_cmpeq_epi8(bytes, quote);
        either[i] = _mm_or_si128(_mm_cmpeq_epi8(folded, opening), _mm_cmpeq_epi8(folded, closing));
        escapes = _mm_or_si128(escapes, _mm_cmpeq_epi8(bytes, escape));
    }
    if (_mm_movemask_epi8(escapes))
        return 0;
    uint64_t quoted = bits_of(quotes), found = bits_of(either);
    if (found)
        found &= ~(odd_up_to(quoted) ^ (0 - (uint64_t)*inside));
    *inside ^= __builtin_parityll(quoted);
    *brackets = found;
    return 1;
}
#endif

/* From an opening bracket to after the one that closes it, NULL if none does. Means nothing if the
 * text is not JSON. A block at once where there is SSE2 and no backslash. */
static Place find_end(Place p, Place end)
{
    int64_t depth = 0;
    int inside = 0;
    while (p < end) {
#ifdef __SSE2__
        uint64_t brackets;
        if (end - p >= BLOCK && find_brackets(p, &inside, &brackets)) {
            for (; brackets; brackets &= brackets - 1) {
                Place bracket = p + __builtin_ctzll(brackets);
                if ((*bracket | 0x20) == '{')
                    depth++;
                else if (--depth <= 0)
                    return bracket + 1;
            }
            p += BLOCK;
            continue;
        }
#endif
        if (inside)
            p = skip_string(p, end);
        inside = 0;
        for (Place stop = end - p > BLOCK ? p + BLOCK : end; p < stop;) {
            uint8_t c = *p++;
            if (c == '"')
                p = skip_string(p, end);
            else if (c == '[' || c == '{')
                depth++;
            else if ((c == ']' || c == '}') && --depth <= 0)
                return p;
        }
    }
    return NULL;
}

/* Of an array that begins at `text`: the last comma between two of its items, NULL if there is
 * none, and the longest way between two borders (such commas, the array's bracket, and the last
 * byte). Means nothing if the text is not JSON. */
static Place find_borders(Place text, Place end, ptrdiff_t *longest)
{
    Place p = text, border = text, last = NULL;
    int64_t depth = 0;
    *longest = 0;
    while (p < end) {
        uint8_t c = *p;
        if (c == '"') {
            p = skip_string(p + 1, end);
            continue;
        }
        if (c == '[' || c == '{') {
            if (depth == 1) {
                Place closed = find_end(p, end);
                p = closed ? closed : end;
                continue;
            }
            depth++;
        } else if (c == ']' || c == '}') {
            depth--;
        } else if (c == ',' && depth == 1) {
            if (p - border > *longest)
                *longest = p - border;
            border = last = p;
        }
        p++;
    }
    if (end > border && end - 1 - border > *longest)
        *longest = end - 1 - border;
    return last;
}

/* Of values one after another: the end of the last object or array that is closed, NULL if none
 * is, and the longest object or array. */
static Place find_value_borders(Place text, Place end, ptrdiff_t *longest)
{
    Place p = text, last = NULL;
    *longest = 0;
    while (p < end) {
        if (*p == '"') {
            p = skip_string(p + 1, end);
        } else if (*p != '[' && *p != '{') {
            p++;
        } else {
            Place start = p, closed = find_end(p, end);
            p = closed ? closed : end;
            if (p - start > *longest)
                *longest = p - start;
            if (closed)
                last = closed;
        }
    }
    return last;
}

/* ---------------------------------------------------------------- Python */

/* Of a text of no bytes, a buffer may be NULL. */
static inline Place first_of(const Py_buffer *text)
{
    return text->buf ? text->buf : (const void *)"";
}

typedef Place (*FindBorders)(Place text, Place end, ptrdiff_t *longest);

static PyObject *borders_of(PyObject *args, const char *form, FindBorders find)
{
    Py_buffer text;
    if (!PyArg_ParseTuple(args, form, &text))
        return NULL;
    Place first = first_of(&text), last;
    ptrdiff_t longest;
    Py_BEGIN_ALLOW_THREADS
    last = find(first, first + text.len, &longest);
    Py_END_ALLOW_THREADS
    Py_ssize_t place = last ? last - first : 0;
    PyBuffer_Release(&text);
    return Py_BuildValue("nn", place, (Py_ssize_t)longest);
}

static PyObject *event_borders(PyObject *Py_UNUSED(module), PyObject *args)
{
    return borders_of(args, "y*:event_borders", find_borders);
}

static PyObject *value_borders(PyObject *Py_UNUSED(module), PyObject *args)
{
    return borders_of(args, "y*:value_borders", find_value_borders);
}

static PyObject *value_end(PyObject *Py_UNUSED(module), PyObject *args)
{
    Py_buffer text;
    Py_ssize_t start;
    if (!PyArg_ParseTuple(args, "y*n:value_end", &text, &start))
        return NULL;
    if (start < 0 || start > text.len) {
        PyBuffer_Release(&text);
        PyErr_SetString(PyExc_ValueError, "start lies outside of the text");
        return NULL;
    }
    Place first = first_of(&text), found;
    Py_BEGIN_ALLOW_THREADS
    found = find_end(first + start, first + text.len);
    Py_END_ALLOW_THREADS
    Py_ssize_t place = found ? found - first : 0;
    PyBuffer_Release(&text);
    return PyLong_FromSsize_t(place);
}

static PyObject *as_bytes(const Column *column)
{
    return PyBytes_FromStringAndSize((const char *)column->data, (Py_ssize_t)column->used);
}

/* A byte a flag to Arrow's bit a flag, the lowest bit first. */
static PyObject *as_bits(const Column *flags)
{
    PyObject *found = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)((flags->used + 7) / 8));
    if (!found)
        return NULL;
    uint8_t *bits = (uint8_t *)PyBytes_AS_STRING(found);
    memset(bits, 0, (flags->used + 7) / 8);
    for (size_t i = 0; i < flags->used; i++)
        bits[i / 8] |= (uint8_t)(flags->data[i] << i % 8);
    return found;
}

/* Words of a tuple of bytes, which lives as long as the arguments; -1 if it is something else. */
static int read_words(PyObject *from, Word *words, Py_ssize_t least, Py_ssize_t most)
{
    Py_ssize_t count = PyTuple_GET_SIZE(from);
    if (count < least || count > most)
        return -1;
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *word = PyTuple_GET_ITEM(from, i);
        if (!PyBytes_Check(word))
            return -1;
        words[i].text = (Place)PyBytes_AS_STRING(word);
        words[i].length = PyBytes_GET_SIZE(word);
    }
    return (int)count;
}

static PyObject *scan(PyObject *Py_UNUSED(module), PyObject *args)
{
    Py_buffer text;
    Py_ssize_t start, most_rows;
    int shape;
    PyObject *fields, *types;
    Scan state;
    memset(&state, 0, sizeof state);
    if (!PyArg_ParseTuple(args, "y*innibbO!O!ipi:scan", &text, &shape, &start, &most_rows,
                          &state.depth, &state.not_an_object, &state.invalid_event_type,
                          &PyTuple_Type, &fields, &PyTuple_Type, &types,
                          &state.feed.purchase_count, &state.feed.any_ids,
                          &state.feed.decimals))
        return NULL;
    state.shape = (Shape)shape;
    state.feed.type_count = read_words(types, state.feed.types, 0, MOST_TYPES);
    state.feed.field_count = read_words(fields, state.feed.fields, LEAST_FIELDS, MOST_NAMES);
    for (int i = 0; i < state.feed.type_count; i++) {
        ptrdiff_t length = state.feed.types[i].length;
        state.feed.taken_lengths |= UINT64_C(1) << (length < LONG ? length : LONG);
    }
    const char *wrong = start < 0 || start > text.len ? "start lies outside of the text"
                        : shape < 0 || shape >= SHAPES ? "there is no such shape"
                        : most_rows < 1               ? "there is no room for a row"
                        : state.depth < 1 || state.depth > MOST_DEPTH
                            ? "depth is not one of 1 to MOST_DEPTH"
                        : state.feed.field_count < 0 ? "the fields are no four or five names"
                        : state.feed.decimals < 0 || state.feed.decimals > MOST_DECIMALS
                            ? "the decimals are none of 0 to MOST_DECIMALS"
                        : state.feed.type_count < 0
                            ? "the types are no names, or more than MOST_TYPES"
                        : state.feed.purchase_count < 0 ||
                                state.feed.purchase_count > state.feed.type_count
                            ? "there are not so many types"
                            : NULL;
    if (wrong) {
        PyBuffer_Release(&text);
        PyErr_SetString(PyExc_ValueError, wrong);
        return NULL;
    }
    Rows rows;
    memset(&rows, 0, sizeof rows);
    rows.is_priced = state.feed.field_count > LEAST_FIELDS;
    rows.decimals = state.feed.decimals;
    Result result;
    Place first = first_of(&text);
    state.start = start ? first + start : NULL;
    state.most_rows = most_rows;
    Py_BEGIN_ALLOW_THREADS
    result = scan_events(first, first + text.len, &state, &rows);
    Py_END_ALLOW_THREADS
    Py_ssize_t next = state.next ? state.next - first : 0;
    PyBuffer_Release(&text);

    Column *columns[] = {&rows.spans,         &rows.positions,    &rows.defects,
                         &rows.guests,        &rows.quantities,   &rows.customer_offsets,
                         &rows.customers,     &rows.has_customer, &rows.product_offsets,
                         &rows.products,      &rows.has_product,  &rows.prices,
                         &rows.has_price};
    size_t count = sizeof columns / sizeof *columns;
    PyObject *found = NULL;
    if (result == NO_MEMORY)
        PyErr_NoMemory();
    else if (result == NOT_CERTAIN)
        found = Py_NewRef(Py_None);
    else if ((found = PyTuple_New((Py_ssize_t)count + 3))) {
        PyTuple_SET_ITEM(found, 0, PyLong_FromSsize_t(next));
        PyTuple_SET_ITEM(found, 1, PyLong_FromLongLong(state.seen));
        PyTuple_SET_ITEM(found, 2, PyLong_FromLongLong(state.not_purchase));
        for (size_t i = 0; i < count; i++) {
            int is_flags = columns[i] == &rows.guests || columns[i] == &rows.has_customer ||
                           columns[i] == &rows.has_product || columns[i] == &rows.has_price;
            PyTuple_SET_ITEM(found, (Py_ssize_t)i + 3,
                             is_flags ? as_bits(columns[i]) : as_bytes(columns[i]));
        }
        if (PyErr_Occurred())
            Py_CLEAR(found);
    }
    for (size_t i = 0; i < count; i++)
        PyMem_RawFree(columns[i]->data);
    return found;
}

/* Pairs of int64, at any address: a first byte and the one after the last. Volatile where it is
 * read: what was checked is not read again. */
typedef struct __attribute__((packed)) {
    int64_t start, end;
} Span;

/* The length of the span, -1 if it lies outside of the text. */
static inline Py_ssize_t read_span(const Py_buffer *spans, Py_ssize_t index, Py_ssize_t text_length,
                                   Py_ssize_t *start)
{
    const volatile Span *span = (const Span *)spans->buf + index;
    int64_t first = span->start, end = span->end;
    *start = first;
    return first >= 0 && first <= end && end <= text_length ? end - first : -1;
}

/* The length of all spans, -1 if one lies outside of the text or they are longer than any bytes. */
static Py_ssize_t length_of(const Py_buffer *spans, Py_ssize_t count, Py_ssize_t text_length)
{
    Py_ssize_t total = 0, start;
    for (Py_ssize_t i = 0; i < count; i++) {
        Py_ssize_t length = read_span(spans, i, text_length, &start);
        if (length < 0 || length > PY_SSIZE_T_MAX - total)
            return -1;
        total += length;
    }
    return total;
}

/* Fills the target to its last byte; 0 if the spans are not of that length any more. */
static int copy_spans(const Py_buffer *text, const Py_buffer *spans, Py_ssize_t count,
                      char *target, Py_ssize_t room)
{
    for (Py_ssize_t i = 0; i < count; i++) {
        Py_ssize_t start, length = read_span(spans, i, text->len, &start);
        if (length < 0 || length > room)
            return 0;
        memcpy(target, first_of(text) + start, (size_t)length);
        target += length;
        room -= length;
    }
    return !room;
}

static int are_pairs_of_int64(const Py_buffer *view)
{
    const char *format = view->format ? view->format : "B";
    format += *format == '@' || *format == '=';
    return view->itemsize == 8 && (*format == 'l' || *format == 'q') && !format[1] &&
           view->len % (Py_ssize_t)sizeof(Span) == 0;
}

/* Stretches of a text behind each other. */
static PyObject *gather(PyObject *Py_UNUSED(module), PyObject *args)
{
    Py_buffer text, spans;
    PyObject *from, *found = NULL;
    if (!PyArg_ParseTuple(args, "y*O:gather", &text, &from))
        return NULL;
    if (PyObject_GetBuffer(from, &spans, PyBUF_C_CONTIGUOUS | PyBUF_FORMAT) < 0) {
        PyBuffer_Release(&text);
        return NULL;
    }
    Py_ssize_t count = spans.len / (Py_ssize_t)sizeof(Span);
    int are_pairs = are_pairs_of_int64(&spans);
    Py_ssize_t length = are_pairs ? length_of(&spans, count, text.len) : -1;
    if (length >= 0)
        found = PyBytes_FromStringAndSize(NULL, length);
    if (found && !copy_spans(&text, &spans, count, PyBytes_AS_STRING(found), length))
        Py_CLEAR(found);
    if (!found && !PyErr_Occurred())
        PyErr_SetString(PyExc_ValueError, are_pairs ? "a span lies outside of the text"
                                                    : "the spans are no pairs of int64");
    PyBuffer_Release(&text);
    PyBuffer_Release(&spans);
    return found;
}

static PyMethodDef methods[] = {
    {"scan", scan, METH_VARARGS,
     "scan(text, shape, start, most_rows, depth, not_an_object, invalid_event_type, fields, types, "
     "purchases, any_ids, decimals) -> tuple | None"},
    {"gather", gather, METH_VARARGS, "gather(text, spans) -> bytes"},
    {"event_borders", event_borders, METH_VARARGS, "event_borders(text) -> tuple"},
    {"value_borders", value_borders, METH_VARARGS, "value_borders(text) -> tuple"},
    {"value_end", value_end, METH_VARARGS, "value_end(text, start) -> int"},
    {NULL, NULL, 0, NULL},
};

static int add_constants(PyObject *made)
{
#ifdef WITH_AVX2
    has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi");
#endif
    int failed = PyModule_AddIntConstant(made, "MOST_DEPTH", MOST_DEPTH);
    failed = failed ? failed : PyModule_AddIntConstant(made, "MOST_TYPES", MOST_TYPES);
    return failed ? failed : PyModule_AddIntConstant(made, "MOST_DECIMALS", MOST_DECIMALS);
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, add_constants}, {0, NULL}};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT, "_kernel", "What is compiled of extraction; see kernel.py.", 0, methods,
    slots, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit__kernel(void) { return PyModuleDef_Init(&module); }
