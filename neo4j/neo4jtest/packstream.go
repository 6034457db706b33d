package neo4jtest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"unicode/utf8"
)

// PackStream version 1 (Bolt manual, "PackStream"). Values are Go's nil, bool, int64, float64, string, []byte, []any, map[string]any and structure.

// Limits of a decoded message. A value costs at least one byte on the wire but up to some sixty in memory, hence the bound on their number.
const (
	maxDepth  = 100
	maxValues = 1 << 20
)

// Markers. A tiny marker holds its size in the low nibble; of the sized ones the first has an 8-bit size, the next 16 bits, the third 32 bits.
const (
	tinyString    = 0x80
	tinyList      = 0x90
	tinyMap       = 0xA0
	tinyStructure = 0xB0
	markNull      = 0xC0
	markFloat     = 0xC1
	markFalse     = 0xC2
	markTrue      = 0xC3
	markInt8      = 0xC8
	markInt16     = 0xC9
	markInt32     = 0xCA
	markInt64     = 0xCB
	markBytes     = 0xCC
	markString    = 0xD0
	markList      = 0xD4
	markMap       = 0xD8
)

// structure is a tagged record of at most 15 fields: a Bolt message or a value that PackStream has no marker for.
type structure struct {
	tag    byte
	fields []any
}

var errTruncated = errors.New("unexpected end of message")

// decoder reads values from one message. structs turns a structure into the value it stands for; nil keeps it.
type decoder struct {
	data    []byte
	pos     int
	values  int
	structs func(structure) (any, error)
}

// decodeAll reads the one value that data holds.
func decodeAll(data []byte, structs func(structure) (any, error)) (any, error) {
	d := decoder{data: data, structs: structs}
	v, err := d.value(0)
	if err != nil {
		return nil, err
	}
	return v, d.end()
}

// end refuses bytes after the last value.
func (d *decoder) end() error {
	if n := len(d.data) - d.pos; n > 0 {
		return fmt.Errorf("%d unexpected bytes after the last value", n)
	}
	return nil
}

func (d *decoder) take(n int) ([]byte, error) {
	if n < 0 || n > len(d.data)-d.pos {
		return nil, errTruncated
	}
	b := d.data[d.pos : d.pos+n]
	d.pos += n
	return b, nil
}

// number reads a big-endian unsigned number of n bytes, 1, 2, 4 or 8.
func (d *decoder) number(n int) (uint64, error) {
	b, err := d.take(n)
	if err != nil {
		return 0, err
	}
	var wide [8]byte
	copy(wide[8-n:], b)
	return binary.BigEndian.Uint64(wide[:]), nil
}

func (d *decoder) value(depth int) (any, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("values are nested deeper than %d levels", maxDepth)
	}
	if d.values++; d.values > maxValues {
		return nil, fmt.Errorf("message holds more than %d values", maxValues)
	}
	b, err := d.take(1)
	if err != nil {
		return nil, err
	}
	switch m := b[0]; {
	case m < tinyString || m >= 0xF0:
		return int64(int8(m)), nil
	case m < markNull:
		return d.sized(m&0xF0, int(m&0x0F), depth)
	default:
		return d.marked(m, depth)
	}
}

// marked reads a value behind a marker that is not tiny.
func (d *decoder) marked(m byte, depth int) (any, error) {
	switch m {
	case markNull:
		return nil, nil
	case markFalse, markTrue:
		return m == markTrue, nil
	case markFloat:
		n, err := d.number(8)
		return math.Float64frombits(n), err
	case markInt8, markInt16, markInt32, markInt64:
		bits := 8 << (m - markInt8)
		n, err := d.number(bits / 8)
		return int64(n<<(64-bits)) >> (64 - bits), err // carries the sign over
	}
	kind, width := byte(0), 0
	switch {
	case m >= markBytes && m <= markBytes+2:
		kind, width = markBytes, 1<<(m-markBytes)
	case m >= markString && m <= markString+2:
		kind, width = tinyString, 1<<(m-markString)
	case m >= markList && m <= markList+2:
		kind, width = tinyList, 1<<(m-markList)
	case m >= markMap && m <= markMap+2:
		kind, width = tinyMap, 1<<(m-markMap)
	default:
		return nil, fmt.Errorf("unknown marker 0x%02X", m)
	}
	n, err := d.number(width)
	if err != nil {
		return nil, err
	}
	return d.sized(kind, int(n), depth)
}

// sized reads what follows the head of a string, byte array, list, map or structure of n parts.
func (d *decoder) sized(kind byte, n, depth int) (any, error) {
	if n < 0 || n > len(d.data)-d.pos { // every part takes at least a byte: nothing is allocated for parts that are not there
		return nil, errTruncated
	}
	switch kind {
	case tinyString:
		return d.text(n)
	case tinyList:
		return d.list(n, depth)
	case tinyMap:
		return d.dictionary(n, depth)
	case tinyStructure:
		return d.structure(n, depth)
	default:
		b, err := d.take(n)
		return slices.Clone(b), err
	}
}

func (d *decoder) text(n int) (string, error) {
	b, err := d.take(n)
	if err != nil {
		return "", err
	}
	if !utf8.Valid(b) {
		return "", errors.New("string is not valid UTF-8")
	}
	return string(b), nil
}

func (d *decoder) list(n, depth int) ([]any, error) {
	list := make([]any, 0, min(n, 1024)) // grows with what is really there
	for range n {
		v, err := d.value(depth + 1)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, nil
}

func (d *decoder) dictionary(n, depth int) (map[string]any, error) {
	dict := make(map[string]any, min(n, 64))
	for range n {
		k, err := d.value(depth + 1)
		if err != nil {
			return nil, err
		}
		key, ok := k.(string)
		if !ok {
			return nil, errors.New("map key is not a string")
		}
		if _, twice := dict[key]; twice {
			return nil, fmt.Errorf("duplicate map key %q", key)
		}
		if dict[key], err = d.value(depth + 1); err != nil {
			return nil, err
		}
	}
	return dict, nil
}

func (d *decoder) structure(n, depth int) (any, error) {
	tag, err := d.take(1)
	if err != nil {
		return nil, err
	}
	fields, err := d.list(n, depth)
	if err != nil {
		return nil, err
	}
	s := structure{tag: tag[0], fields: fields}
	if d.structs == nil {
		return s, nil
	}
	return d.structs(s)
}

// packable is a value that travels as a structure whose shape depends on the connection.
type packable interface {
	pack(d codec) (structure, error)
}

// encoder appends values to buf in the smallest form. Map keys are sent in order, so that equal answers are equal bytes.
type encoder struct {
	buf   []byte
	codec codec
}

func (e *encoder) value(v any) error {
	switch v := v.(type) {
	case nil:
		e.buf = append(e.buf, markNull)
	case bool:
		e.boolean(v)
	case int:
		e.integer(int64(v))
	case int64:
		e.integer(v)
	case float64:
		e.buf = binary.BigEndian.AppendUint64(append(e.buf, markFloat), math.Float64bits(v))
	case string:
		return e.text(v)
	case []byte:
		return e.bytes(v)
	case []any:
		return encodeList(e, v)
	case []string:
		return encodeList(e, v)
	case []map[string]any:
		return encodeList(e, v)
	case map[string]any:
		return e.dictionary(v)
	case structure:
		return e.structure(v)
	case packable:
		s, err := v.pack(e.codec)
		if err != nil {
			return err
		}
		return e.structure(s)
	default:
		return fmt.Errorf("packstream: no form for a value of type %T", v)
	}
	return nil
}

func (e *encoder) boolean(v bool) {
	m := byte(markFalse)
	if v {
		m = markTrue
	}
	e.buf = append(e.buf, m)
}

func (e *encoder) integer(v int64) {
	switch {
	case v >= -16 && v <= math.MaxInt8:
		e.buf = append(e.buf, byte(v))
	case v >= math.MinInt8 && v <= math.MaxInt8:
		e.buf = append(e.buf, markInt8, byte(v))
	case v >= math.MinInt16 && v <= math.MaxInt16:
		e.buf = binary.BigEndian.AppendUint16(append(e.buf, markInt16), uint16(v))
	case v >= math.MinInt32 && v <= math.MaxInt32:
		e.buf = binary.BigEndian.AppendUint32(append(e.buf, markInt32), uint32(v))
	default:
		e.buf = binary.BigEndian.AppendUint64(append(e.buf, markInt64), uint64(v))
	}
}

// head writes a size: in the tiny marker when there is one (not 0) and it fits, else behind the sized marker.
func (e *encoder) head(tiny, sized byte, n int) error {
	switch {
	case n < 16 && tiny != 0:
		e.buf = append(e.buf, tiny|byte(n))
	case n <= math.MaxUint8:
		e.buf = append(e.buf, sized, byte(n))
	case n <= math.MaxUint16:
		e.buf = binary.BigEndian.AppendUint16(append(e.buf, sized+1), uint16(n))
	case n <= math.MaxInt32: // Java peers read the size as a signed number
		e.buf = binary.BigEndian.AppendUint32(append(e.buf, sized+2), uint32(n))
	default:
		return fmt.Errorf("packstream: %d parts are too many for one value", n)
	}
	return nil
}

func (e *encoder) text(v string) error {
	if err := e.head(tinyString, markString, len(v)); err != nil {
		return err
	}
	e.buf = append(e.buf, v...)
	return nil
}

func (e *encoder) bytes(v []byte) error {
	if err := e.head(0, markBytes, len(v)); err != nil {
		return err
	}
	e.buf = append(e.buf, v...)
	return nil
}

func encodeList[T any](e *encoder, list []T) error {
	if err := e.head(tinyList, markList, len(list)); err != nil {
		return err
	}
	for _, v := range list {
		if err := e.value(v); err != nil {
			return err
		}
	}
	return nil
}

func (e *encoder) dictionary(v map[string]any) error {
	if err := e.head(tinyMap, markMap, len(v)); err != nil {
		return err
	}
	for _, k := range slices.Sorted(maps.Keys(v)) {
		if err := e.text(k); err != nil {
			return err
		}
		if err := e.value(v[k]); err != nil {
			return err
		}
	}
	return nil
}

func (e *encoder) structure(s structure) error {
	if len(s.fields) > 15 {
		return fmt.Errorf("packstream: structure 0x%02X has %d fields, more than 15", s.tag, len(s.fields))
	}
	e.buf = append(e.buf, tinyStructure|byte(len(s.fields)), s.tag)
	for _, v := range s.fields {
		if err := e.value(v); err != nil {
			return err
		}
	}
	return nil
}
