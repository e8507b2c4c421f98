/* Read the cells of a block of delimited text into typed columns, and mark those that surely say what was read.
 *
 * It runs as WebAssembly (`cell_reader.wasm`, made from this file by `nox -s compiled`): the same bytes on every
 * machine, in a memory of its own, so that no file a stranger sent can make it touch any other. `cell_reader.py` calls
 * it, and mirrors the structs below; `masking.py` says what to read. What is not sure is left to Python.
 */
#include <stdint.h>
#include <wasm_simd128.h>

#define INLINED inline __attribute__((always_inline))

typedef uint8_t byte;

enum { TEXT, WORD, GTIN, YES_NO, NUMBER, INSTANT };
enum { PARTS = 6, LONGEST_FORM = 32, NOWHERE = 255 };
enum { LONGEST_NUMBER = 15, GTIN_DIGITS = 14, INLINE = 12, PAGE = 65536, PADDING = 16, BEYOND = 64 };
/* Cells that are read together: they fit into the cache nearest to the processor. */
enum { CELLS = 2048 };
static const int64_t MOST = 1000000000000000;
static const int64_t DAY = 86400000000, SECOND = 1000000;

/* Some text in this memory. */
typedef struct {
    const byte *at;
    uint32_t size;
} text;

/* One way to write an instant: `pattern` has 0 where a digit stands; `places` are those of year, month, day, hour,
 * minute and second, or NOWHERE. `local`: it is what a clock shows, and not UTC. */
typedef struct {
    uint32_t size, local;
    byte pattern[LONGEST_FORM];
    byte places[PARTS];
} form;

/* A text of Arrow's layout "utf8_view": up to 12 bytes stand in it, of longer ones the first 4 and where they are. */
typedef struct {
    uint32_t size;
    byte start[4];
    uint32_t buffer, offset;
} view;

/* What one field is, and below, what is found in it. Bounds are those of the number, in its smallest unit, or of the
 * instant; those of a text count characters. */
typedef struct {
    uint32_t place, kind, required, decimals, shortest, longest;
    int64_t least, most;
    int64_t default_number;
    text default_text;
    uint32_t has_default;
    const text *words;
    uint32_t word_count, yes_count;
    const form *forms;
    uint32_t form_count;

    void *values;
    byte *present;
    byte *local;
    uint32_t missing_count;
    text last;
    uint32_t last_sure, last_local, last_word;
    int64_t last_number;
} field;

/* One block. `starts` and `ends` are those of its records in `data`. `quote` is 0 where none stands in it. `open` are the
 * cells that are not sure, of records that have as many cells as there are columns. */
typedef struct {
    const byte *data;
    uint32_t size, records;
    const uint32_t *starts, *ends;
    uint32_t width;
    uint32_t delimiter, quote, decimal_mark;
    const text *nulls;
    uint32_t null_count;
    field *fields;
    uint32_t field_count;

    byte *shaped;
    byte *sure;
    byte *more;
    uint32_t more_size;
    view *open;
    uint32_t *open_rows, *open_fields;
    uint32_t open_count;
} block;

extern byte __heap_base;

/* Make memory reach to an address, and further than anything is read at once; tell whether there is as much. */
static int reach(uint64_t end) {
    uint64_t pages = (end + BEYOND + PAGE - 1) / PAGE, held = __builtin_wasm_memory_size(0);
    return pages <= held || __builtin_wasm_memory_grow(0, pages - held) != (uintptr_t)-1;
}

/* Return where memory begins that nothing stands in, after making room for so many bytes there, or 0. */
__attribute__((export_name("room"))) byte *room(uint32_t size) {
    uintptr_t begin = ((uintptr_t)&__heap_base + PADDING - 1) & -(uintptr_t)PADDING;
    return reach((uint64_t)begin + size) ? (byte *)begin : 0;
}

static INLINED uint64_t load64(const byte *at) {
    uint64_t found;
    __builtin_memcpy(&found, at, 8);
    return found;
}

static INLINED uint32_t load32(const byte *at) {
    uint32_t found;
    __builtin_memcpy(&found, at, 4);
    return found;
}

static INLINED void copy(byte *to, const byte *from, uint32_t size) { __builtin_memcpy(to, from, size); }

static INLINED uint64_t lowest_bits(uint64_t some, uint32_t bits) { return some & (((uint64_t)1 << bits) - 1); }

static INLINED uint64_t lowest(uint64_t some, uint32_t bytes) { return lowest_bits(some, 8 * bytes); }

static INLINED int same(text one, text other) {
    if (one.size != other.size) return 0;
    uint32_t i = 0;
    for (; i + 8 <= one.size; i += 8)
        if (load64(one.at + i) != load64(other.at + i)) return 0;
    return lowest(load64(one.at + i) ^ load64(other.at + i), one.size - i) == 0;
}

/* Return which of some words a text is, or how many there are. */
static uint32_t among(text it, const text *words, uint32_t count) {
    uint32_t i = 0;
    while (i < count && !same(it, words[i])) i++;
    return i;
}

static INLINED int is_digit(byte letter) { return (byte)(letter - '0') <= 9; }

/* ---- records ---- */

/* Tell in which of the next 64 bytes, up to an end, a letter stands. */
static INLINED uint64_t where(const byte *at, const byte *end, byte letter) {
    const v128_t wanted = wasm_i8x16_splat(letter);
    uint64_t found = 0;
    for (int i = 0; i < 4; i++)
        found |= (uint64_t)wasm_i8x16_bitmask(wasm_i8x16_eq(wasm_v128_load(at + 16 * i), wanted)) << 16 * i;
    return end - at < 64 ? lowest_bits(found, end - at) : found;
}

/* Cut an unquoted record into cells, which stand so far apart; return how many there are, of which `width` are noted. */
static INLINED uint32_t cut(block *b, text record, text *cells, uint32_t apart) {
    const byte *begin = record.at, *end = record.at + record.size;
    const uint32_t width = b->width;
    uint32_t count = 0;
    for (const byte *at = begin; at < end; at += 64) {
        for (uint64_t marks = where(at, end, b->delimiter); marks; marks &= marks - 1) {
            const byte *found = at + __builtin_ctzll(marks);
            if (count < width) cells[count * apart] = (text){begin, found - begin};
            count++;
            begin = found + 1;
        }
    }
    if (count < width) cells[count * apart] = (text){begin, end - begin};
    return count + 1;
}

/* Return what a quoted cell says; doubled quotes are written as one into `more`. */
static text unquoted(block *b, const byte *begin, const byte *end, int doubled) {
    if (!doubled) return (text){begin, end - begin};
    byte *to = b->more + b->more_size, *first = to;
    for (const byte *at = begin; at < end; at++) {
        *to++ = *at;
        if (*at == b->quote) at++;
    }
    b->more_size = to - b->more;
    return (text){first, to - first};
}

/* Cut a record whose quotes stand only where they may. */
static uint32_t cut_quoted(block *b, text record, text *cells, uint32_t apart) {
    const byte *at = record.at, *end = record.at + record.size;
    for (uint32_t count = 0;; at++) {
        text cell;
        if (at < end && *at == b->quote) {
            const byte *begin = ++at;
            int doubled = 0;
            for (; at < end; at++) {
                if (*at != b->quote) continue;
                if (at + 1 == end || at[1] != b->quote) break;
                doubled = 1;
                at++;
            }
            cell = unquoted(b, begin, at, doubled);
            if (at < end) at++;
        } else {
            const byte *begin = at;
            while (at < end && *at != b->delimiter) at++;
            cell = (text){begin, at - begin};
        }
        if (count < b->width) cells[count * apart] = cell;
        count++;
        if (at >= end) return count;
    }
}

static text without_line_end(const byte *at, const byte *end) {
    if (end > at && end[-1] == '\n') end--;
    if (end > at && end[-1] == '\r') end--;
    return (text){at, end - at};
}

/* ---- cells ---- */

/* Tell whether any byte is a control character or not ASCII. */
static INLINED int is_odd(text it) {
    for (uint32_t i = 0; i < it.size; i += 16) {
        v128_t from_blank = wasm_i8x16_sub(wasm_v128_load(it.at + i), wasm_i8x16_splat(' '));
        uint32_t odd = wasm_i8x16_bitmask(wasm_u8x16_ge(from_blank, wasm_i8x16_splat(0x7f - ' ')));
        if (it.size - i < 16) odd &= (1u << (it.size - i)) - 1;
        if (odd) return 1;
    }
    return 0;
}

/* Tell whether the character that begins here is a blank other than the space, and of two bytes or more. */
static int is_odd_blank(const byte *at, const byte *end) {
    if (end - at >= 2 && at[0] == 0xc2) return at[1] == 0x85 || at[1] == 0xa0;
    if (end - at < 3) return 0;
    if (at[0] == 0xe1) return at[1] == 0x9a && at[2] == 0x80;
    if (at[0] == 0xe3) return at[1] == 0x80 && at[2] == 0x80;
    if (at[0] != 0xe2) return 0;
    if (at[1] == 0x81) return at[2] == 0x9f;
    return at[1] == 0x80 && (at[2] <= 0x8a || at[2] == 0xa8 || at[2] == 0xa9 || at[2] == 0xaf);
}

/* Return how many characters a text that is not plain ASCII has; 0 if it may hold what no text may, or begins or ends
 * with a blank. */
static uint32_t characters(text it) {
    const byte *end = it.at + it.size, *last = end;
    uint32_t count = 0;
    for (const byte *at = it.at; at < end; at++) {
        if (*at < ' ' || *at == 0x7f) return 0;
        if (*at == 0xc2 && at + 1 < end && at[1] < 0xa0) return 0;
        if ((*at & 0xc0) == 0x80) continue;
        count++;
        last = at;
    }
    return is_odd_blank(it.at, end) || is_odd_blank(last, end) ? 0 : count;
}

static INLINED text stripped(text it) {
    while (it.size && it.at[0] == ' ') it.at++, it.size--;
    while (it.size && it.at[it.size - 1] == ' ') it.size--;
    return it;
}

static INLINED void put_view(block *b, view *to, text it) {
    uint64_t first = load64(it.at);
    if (it.size <= INLINE) {
        uint64_t rest = it.size <= 8 ? 0 : lowest(load32(it.at + 8), it.size - 8);
        if (it.size < 8) first = lowest(first, it.size);
        uint64_t *words = (uint64_t *)to;
        words[0] = it.size | first << 32;
        words[1] = first >> 32 | rest << 32;
        return;
    }
    int elsewhere = it.at < b->data || it.at >= b->data + b->size;
    to->size = it.size;
    copy(to->start, it.at, 4);
    to->buffer = elsewhere;
    to->offset = it.at - (elsewhere ? b->more : b->data);
}

static INLINED void put_text(block *b, field *f, uint32_t row, text it) { put_view(b, (view *)f->values + row, it); }

/* Put a text into `more`, and tell where. */
static text kept(block *b, text it, uint32_t zeros) {
    byte *to = b->more + b->more_size;
    for (uint32_t i = 0; i < zeros; i++) to[i] = '0';
    copy(to + zeros, it.at, it.size);
    b->more_size += zeros + it.size;
    return (text){to, zeros + it.size};
}

static INLINED void put_number(field *f, uint32_t row, int64_t number) { ((int64_t *)f->values)[row] = number; }

static INLINED void put_flag(field *f, uint32_t row, int flag) {
    ((byte *)f->values)[row / 8] |= (flag != 0) << row % 8;
}

static INLINED int read_text(block *b, field *f, uint32_t row, text cell) {
    text it = stripped(cell);
    uint32_t size = is_odd(it) ? characters(it) : it.size;
    put_text(b, f, row, it);
    return size && size >= f->shortest && size <= f->longest;
}

static INLINED int read_word(block *b, field *f, uint32_t row, text cell) {
    uint32_t found = f->last_word;
    if (found >= f->word_count || !same(cell, f->words[found])) found = among(cell, f->words, f->word_count);
    f->last_word = found;
    put_text(b, f, row, found < f->word_count ? cell : (text){cell.at, 0});
    return found < f->word_count;
}

static INLINED int read_yes_no(block *b, field *f, uint32_t row, text cell) {
    (void)b;
    uint32_t found = among(cell, f->words, f->word_count);
    put_flag(f, row, found < f->yes_count);
    return found < f->word_count;
}

/* GTIN-8, -12, -13 or -14: digits of which the weights 3, 1, 3, 1, ... from the last but one to the left, and the last
 * itself, add up to tens (GS1 General Specifications, 7.9). Kept as 14 digits. */
static INLINED int read_gtin(block *b, field *f, uint32_t row, text cell) {
    int sure = cell.size == 8 || cell.size == 12 || cell.size == 13 || cell.size == 14;
    uint32_t sum = 0;
    for (uint32_t i = 0; sure && i < cell.size; i++) {
        sure = is_digit(cell.at[i]);
        sum += (cell.at[i] - '0') * ((cell.size - i) % 2 ? 1 : 3);
    }
    sure = sure && sum % 10 == 0;
    put_text(b, f, row, sure ? kept(b, cell, GTIN_DIGITS - cell.size) : (text){cell.at, 0});
    return sure;
}

/* Return the number that 16 digits say, each a byte of 0 to 9. */
static INLINED int64_t of_digits(v128_t digits) {
    v128_t tens = wasm_i16x8_mul(wasm_v128_and(digits, wasm_i16x8_splat(255)), wasm_i16x8_splat(10));
    v128_t pairs = wasm_i16x8_add(tens, wasm_u16x8_shr(digits, 8));
    v128_t fours = wasm_i32x4_dot_i16x8(pairs, wasm_i16x8_make(100, 1, 100, 1, 100, 1, 100, 1));
    int64_t high = wasm_i32x4_extract_lane(fours, 0) * 10000 + wasm_i32x4_extract_lane(fours, 1);
    return high * 100000000 + wasm_i32x4_extract_lane(fours, 2) * 10000 + wasm_i32x4_extract_lane(fours, 3);
}

/* Plain digits with at most one mark behind the first of them; exactly, in units of so many decimals. */
static INLINED int read_number(block *b, field *f, uint32_t row, text cell) {
    static const int64_t POWERS[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000,
        10000000000, 100000000000, 1000000000000, 10000000000000, 100000000000000};
    const v128_t letters = wasm_v128_load(cell.at), values = wasm_i8x16_sub(letters, wasm_i8x16_splat('0'));
    const uint32_t all = cell.size <= LONGEST_NUMBER ? (1u << cell.size) - 1 : 0;
    const uint32_t digits = wasm_i8x16_bitmask(wasm_u8x16_le(values, wasm_i8x16_splat(9))) & all;
    const uint32_t marks = wasm_i8x16_bitmask(wasm_i8x16_eq(letters, wasm_i8x16_splat(b->decimal_mark))) & all;
    int sure = (digits & 1) && (digits | marks) == all && !(marks & (marks - 1));
    /* The digits, without the mark, moved to the end of 16; what comes from nowhere is 0. */
    const int mark = marks ? __builtin_ctz(marks) : cell.size, count = cell.size - (marks != 0);
    const v128_t order = wasm_i8x16_make(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    v128_t from = wasm_i8x16_sub(order, wasm_i8x16_splat(16 - count));
    from = wasm_i8x16_sub(from, wasm_i8x16_ge(from, wasm_i8x16_splat(mark)));
    int64_t number = sure ? of_digits(wasm_i8x16_swizzle(values, from)) : 0;
    const int more = (int)f->decimals - (count - mark);
    if (more >= 0) number *= POWERS[sure ? more : 0];
    else if (sure) sure = number % POWERS[-more] == 0, number /= POWERS[-more];
    sure = sure && number >= f->least && number <= f->most && number <= MOST;
    put_number(f, row, sure ? number : 0);
    return sure;
}

static INLINED int64_t digits(const byte *at, int count) {
    int64_t number = 0;
    while (count--) number = number * 10 + (*at++ - '0');
    return number;
}

/* Return the days from 1970 to a date of the Gregorian calendar, or -1 if there is none in the years asked for. */
static int64_t days(int64_t year, int64_t month, int64_t day) {
    static const byte LENGTHS[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (year <= 1970 || year >= 2199 || month < 1 || month > 12 || day < 1) return -1;
    int leap = (year % 4 == 0 && year % 100) || year % 400 == 0;
    if (day > LENGTHS[month - 1] + (month == 2 && leap)) return -1;
    int64_t before = year - 1, count = before * 365 + before / 4 - before / 100 + before / 400 - 719162;
    for (int64_t one = 1; one < month; one++) count += LENGTHS[one - 1] + (one == 2 && leap);
    return count + day - 1;
}

static int fits(text cell, const form *one) {
    if (cell.size != one->size) return 0;
    for (uint32_t i = 0; i < cell.size; i++)
        if (one->pattern[i] ? cell.at[i] != one->pattern[i] : !is_digit(cell.at[i])) return 0;
    return 1;
}

static INLINED int64_t part(text cell, const form *one, int number) {
    byte place = one->places[number];
    return place == NOWHERE ? 0 : digits(cell.at + place, number ? 2 : 4);
}

/* Return microseconds since 1970, or -1; by the first form that fits. */
static int64_t instant(field *f, text cell, uint32_t *local) {
    for (const form *one = f->forms; one < f->forms + f->form_count; one++) {
        if (!fits(cell, one)) continue;
        int64_t date = days(part(cell, one, 0), part(cell, one, 1), part(cell, one, 2));
        int64_t hour = part(cell, one, 3), minute = part(cell, one, 4), second = part(cell, one, 5);
        if (date < 0 || hour > 23 || minute > 59 || second > 59) continue;
        *local = one->local;
        return date * DAY + ((hour * 60 + minute) * 60 + second) * SECOND;
    }
    return -1;
}

/* The lines of an order are of one time: what follows itself is read once. */
static INLINED int read_instant(block *b, field *f, uint32_t row, text cell) {
    (void)b;
    if (!f->last.at || !same(cell, f->last)) {
        f->last_local = 0;
        f->last = cell;
        f->last_number = instant(f, cell, &f->last_local);
        f->last_sure = f->last_number >= 0 && (f->last_local || f->last_number <= f->most);
    }
    put_number(f, row, f->last_sure ? f->last_number : 0);
    f->local[row] = f->last_local && f->last_sure;
    return f->last_sure;
}

/* Put what a field is where nothing stands in it. */
static void put_default(block *b, field *f, uint32_t row) {
    if (!f->has_default) {
        f->present[row / 8] &= ~(1 << row % 8);
        f->missing_count++;
    }
    if (f->kind == TEXT || f->kind == WORD || f->kind == GTIN)
        put_text(b, f, row, f->default_text.size > INLINE ? kept(b, f->default_text, 0) : f->default_text);
    else if (f->kind == YES_NO) put_flag(f, row, f->default_number != 0);
    else put_number(f, row, f->default_number);
}

static INLINED int is_empty(const block *b, text cell) {
    if (!cell.size) return b->null_count && !b->nulls[0].size;
    return among(cell, b->nulls, b->null_count) < b->null_count;
}

static void note_open(block *b, const field *f, uint32_t row, text cell) {
    put_view(b, b->open + b->open_count, cell);
    b->open_rows[b->open_count] = row;
    b->open_fields[b->open_count++] = f - b->fields;
}

typedef int reader(block *, field *, uint32_t, text);

/* Read a field of some records; `cells` are those of its column. */
static INLINED void read_cells(block *b, field *f, uint32_t first, uint32_t rows, const text *cells, reader *read) {
    for (uint32_t i = 0; i < rows; i++) {
        uint32_t row = first + i;
        int empty = is_empty(b, cells[i]), sure = empty ? !f->required : read(b, f, row, cells[i]);
        if (empty) put_default(b, f, row);
        if (sure) continue;
        b->sure[row] = 0;
        if (b->shaped[row]) note_open(b, f, row, cells[i]);
    }
}

static void read_field(block *b, field *f, uint32_t first, uint32_t rows, const text *cells) {
    switch (f->kind) {
    case TEXT: return read_cells(b, f, first, rows, cells, read_text);
    case WORD: return read_cells(b, f, first, rows, cells, read_word);
    case GTIN: return read_cells(b, f, first, rows, cells, read_gtin);
    case YES_NO: return read_cells(b, f, first, rows, cells, read_yes_no);
    case NUMBER: return read_cells(b, f, first, rows, cells, read_number);
    default: return read_cells(b, f, first, rows, cells, read_instant);
    }
}

/* Cut some records; the cells of one column stand beside each other. */
static void cut_records(block *b, uint32_t first, uint32_t rows, text *cells, uint32_t apart) {
    for (uint32_t i = 0; i < rows; i++) {
        uint32_t row = first + i;
        text record = without_line_end(b->data + b->starts[row], b->data + b->ends[row]);
        uint32_t count = b->quote ? cut_quoted(b, record, cells + i, apart) : cut(b, record, cells + i, apart);
        b->sure[row] = b->shaped[row] = count == b->width;
        for (; count < b->width; count++) cells[i + count * apart] = (text){b->data, 0};
    }
}

/* Take memory from where it is free; an address that is no longer one is not used: see `reach`. */
static byte *taken(uint64_t *from, uint64_t size) {
    byte *found = (byte *)(uintptr_t)*from;
    *from += (size + PADDING - 1) & -(uint64_t)PADDING;
    return found;
}

/* Say where what is found in a field will stand; return how many bytes of text one row may add to `more`. */
static uint32_t lay_out(field *f, uint32_t rows, uint64_t *from) {
    uint32_t wide = f->kind == NUMBER || f->kind == INSTANT ? 8 : sizeof(view), bits = (rows + 7) / 8;
    f->values = taken(from, f->kind == YES_NO ? bits : (uint64_t)rows * wide);
    f->present = taken(from, bits);
    f->local = taken(from, f->kind == INSTANT ? rows : 0);
    f->missing_count = f->last_word = 0;
    f->last = (text){0, 0};
    return f->default_text.size > GTIN_DIGITS ? f->default_text.size : GTIN_DIGITS;
}

/* Read a block; what is found stands behind `free`. Return 1, or 0 if there is no room for it. */
__attribute__((export_name("read_block"))) int read_block(block *b, uint32_t free) {
    const uint32_t rows = b->records, together = b->width < CELLS ? CELLS / b->width : 1, bits = (rows + 7) / 8;
    field *const fields = b->fields, *const end = fields + b->field_count;
    uint64_t from = free, more = b->quote ? b->size : 0;
    text *cells = (text *)taken(&from, (uint64_t)b->width * together * sizeof(text));
    b->shaped = taken(&from, rows);
    b->sure = taken(&from, rows);
    for (field *f = fields; f < end; f++) more += (uint64_t)rows * lay_out(f, rows, &from);
    b->more = taken(&from, more);
    b->open = (view *)taken(&from, (uint64_t)rows * b->field_count * sizeof(view));
    b->open_rows = (uint32_t *)taken(&from, (uint64_t)rows * b->field_count * 4);
    b->open_fields = (uint32_t *)taken(&from, (uint64_t)rows * b->field_count * 4);
    b->more_size = b->open_count = 0;
    if (!reach(from)) return 0;
    for (field *f = fields; f < end; f++) {
        if (f->kind == YES_NO) __builtin_memset(f->values, 0, bits);
        __builtin_memset(f->present, 255, bits);
    }
    for (uint32_t first = 0; first < rows; first += together) {
        uint32_t some = rows - first < together ? rows - first : together;
        cut_records(b, first, some, cells, together);
        for (field *f = fields; f < end; f++) read_field(b, f, first, some, cells + f->place * together);
    }
    return 1;
}
