package bolt

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"unicode/utf8"
)

// PackStream version 1 (Bolt manual, "PackStream"). Values are Go's nil, bool, int64, float64, string, []byte, []any, map[string]any and structure.

// Markers. A tiny one holds the size in its low half; of the others the first is followed by a size of 8 bits, the next of 16, the third of 32.
const (
	markerTinyText   = 0x80
	markerTinyList   = 0x90
	markerTinyMap    = 0xA0
	markerTinyStruct = 0xB0
	markerNull       = 0xC0
	markerFloat      = 0xC1
	markerFalse      = 0xC2
	markerTrue       = 0xC3
	markerInt8       = 0xC8
	markerInt16      = 0xC9
	markerInt32      = 0xCA
	markerInt64      = 0xCB
	markerBytes8     = 0xCC
	markerBytes32    = 0xCE
	markerText8      = 0xD0
	markerText32     = 0xD2
	markerList8      = 0xD4
	markerList32     = 0xD6
	markerMap8       = 0xD8
	markerMap32      = 0xDA
)

// What an answer may hold at most. Answers to what is sent here are a few hundred bytes; a FAILURE with its causes is a few thousand.
const (
	maxDepth  = 64
	maxValues = 1 << 16
)

// structure is a tagged record: a message, or a value that has no marker of its own.
type structure struct {
	tag    byte
	fields []any
}

// appendValue packs a value in its shortest form, the keys of maps in order. Only what messages to a server are made of has a form here.
func appendValue(to []byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return append(to, markerNull), nil
	case bool:
		if v {
			return append(to, markerTrue), nil
		}
		return append(to, markerFalse), nil
	case int64:
		return appendInt(to, v), nil
	case string:
		return appendText(to, v)
	case []string:
		return appendList(to, v)
	case []any:
		return appendList(to, v)
	case map[string]any:
		return appendMap(to, v)
	case map[string]string:
		return appendMap(to, v)
	}
	return nil, fmt.Errorf("pack a %T: no form for it", v)
}

func appendInt(to []byte, v int64) []byte {
	switch {
	case v >= -16 && v <= math.MaxInt8:
		return append(to, byte(v))
	case v >= math.MinInt8 && v < -16:
		return append(to, markerInt8, byte(v))
	case v >= math.MinInt16 && v <= math.MaxInt16:
		return binary.BigEndian.AppendUint16(append(to, markerInt16), uint16(v))
	case v >= math.MinInt32 && v <= math.MaxInt32:
		return binary.BigEndian.AppendUint32(append(to, markerInt32), uint32(v))
	}
	return binary.BigEndian.AppendUint64(append(to, markerInt64), uint64(v))
}

// appendSize packs the head of something that has n parts.
func appendSize(to []byte, tiny, sized byte, n int) ([]byte, error) {
	switch {
	case n < 16:
		return append(to, tiny|byte(n)), nil
	case n <= math.MaxUint8:
		return append(to, sized, byte(n)), nil
	case n <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(to, sized+1), uint16(n)), nil
	case n <= math.MaxInt32: // a server reads it as a signed number
		return binary.BigEndian.AppendUint32(append(to, sized+2), uint32(n)), nil
	}
	return nil, fmt.Errorf("pack %d parts: too many", n)
}

// appendText refuses what is not UTF-8: a server would, and after it everything else that was sent.
func appendText(to []byte, s string) ([]byte, error) {
	if !utf8.ValidString(s) {
		return nil, errors.New("pack a text: it is not UTF-8")
	}
	to, err := appendSize(to, markerTinyText, markerText8, len(s))
	return append(to, s...), err
}

func appendList[T any](to []byte, list []T) ([]byte, error) {
	to, err := appendSize(to, markerTinyList, markerList8, len(list))
	for _, v := range list {
		if err != nil {
			break
		}
		to, err = appendValue(to, v)
	}
	return to, err
}

func appendMap[T any](to []byte, m map[string]T) ([]byte, error) {
	to, err := appendSize(to, markerTinyMap, markerMap8, len(m))
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		if err == nil {
			to, err = appendText(to, k)
		}
		if err == nil {
			to, err = appendValue(to, m[k])
		}
	}
	return to, err
}

// appendMessage packs a message, whose fields are at most 15.
func appendMessage(to []byte, tag byte, fields ...any) ([]byte, error) {
	to = append(to, markerTinyStruct|byte(len(fields)), tag)
	var err error
	for _, f := range fields {
		if to, err = appendValue(to, f); err != nil {
			return nil, err
		}
	}
	return to, nil
}

var errShort = errors.New("unpack: the message ends too early")

// unpacker takes values off the front of a message.
type unpacker struct {
	data  []byte
	taken int // values
}

// unpack reads the one value that data is.
func unpack(data []byte) (any, error) {
	u := unpacker{data: data}
	v, err := u.value(0)
	if err == nil && len(u.data) > 0 {
		err = fmt.Errorf("unpack: %d bytes too many", len(u.data))
	}
	if err != nil {
		return nil, err
	}
	return v, nil
}

func (u *unpacker) bytes(n int) ([]byte, error) {
	if n < 0 || n > len(u.data) {
		return nil, errShort
	}
	b := u.data[:n]
	u.data = u.data[n:]
	return b, nil
}

// uint reads a number of 1, 2, 4 or 8 bytes.
func (u *unpacker) uint(width int) (uint64, error) {
	b, err := u.bytes(width)
	var n uint64
	for _, c := range b {
		n = n<<8 | uint64(c)
	}
	return n, err
}

func (u *unpacker) value(depth int) (any, error) {
	u.taken++
	if depth > maxDepth || u.taken > maxValues {
		return nil, errors.New("unpack: the message is too deep or holds too much")
	}
	head, err := u.bytes(1)
	if err != nil {
		return nil, err
	}
	m := head[0]
	switch {
	case m < markerTinyText || m >= 0xF0: // -16 to 127 are their own markers
		return int64(int8(m)), nil
	case m < markerTinyList:
		return u.text(int(m & 0x0F))
	case m < markerTinyMap:
		return u.list(int(m&0x0F), depth)
	case m < markerTinyStruct:
		return u.dict(int(m&0x0F), depth)
	case m < markerNull:
		return u.structure(int(m&0x0F), depth)
	}
	return u.marked(m, depth)
}

// marked reads what follows a marker that is not tiny.
func (u *unpacker) marked(m byte, depth int) (any, error) {
	switch m {
	case markerNull:
		return nil, nil
	case markerTrue, markerFalse:
		return m == markerTrue, nil
	case markerFloat:
		n, err := u.uint(8)
		return math.Float64frombits(n), err
	case markerInt8:
		n, err := u.uint(1)
		return int64(int8(n)), err
	case markerInt16:
		n, err := u.uint(2)
		return int64(int16(n)), err
	case markerInt32:
		n, err := u.uint(4)
		return int64(int32(n)), err
	case markerInt64:
		n, err := u.uint(8)
		return int64(n), err
	}
	first, read := u.sized(m)
	if read == nil {
		return nil, fmt.Errorf("unpack: 0x%02X is no marker", m)
	}
	n, err := u.uint(1 << (m - first))
	if err != nil {
		return nil, err
	}
	if n > uint64(len(u.data)) { // each part takes a byte at least: nothing is made for parts that are not there
		return nil, errShort
	}
	return read(int(n), depth)
}

// sized is the first marker of what m belongs to, and who reads it.
func (u *unpacker) sized(m byte) (first byte, read func(n, depth int) (any, error)) {
	switch {
	case m >= markerBytes8 && m <= markerBytes32:
		return markerBytes8, func(n, _ int) (any, error) {
			b, err := u.bytes(n)
			return slices.Clone(b), err
		}
	case m >= markerText8 && m <= markerText32:
		return markerText8, func(n, _ int) (any, error) { return u.text(n) }
	case m >= markerList8 && m <= markerList32:
		return markerList8, func(n, depth int) (any, error) { return u.list(n, depth) }
	case m >= markerMap8 && m <= markerMap32:
		return markerMap8, func(n, depth int) (any, error) { return u.dict(n, depth) }
	}
	return 0, nil
}

func (u *unpacker) text(n int) (string, error) {
	b, err := u.bytes(n)
	if err == nil && !utf8.Valid(b) {
		err = errors.New("unpack: a text is not UTF-8")
	}
	return string(b), err
}

func (u *unpacker) list(n, depth int) ([]any, error) {
	list := []any{}
	for range n {
		v, err := u.value(depth + 1)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, nil
}

func (u *unpacker) dict(n, depth int) (map[string]any, error) {
	dict := map[string]any{}
	for range n {
		k, err := u.value(depth + 1)
		if err != nil {
			return nil, err
		}
		key, ok := k.(string)
		if _, twice := dict[key]; !ok || twice {
			return nil, errors.New("unpack: a key is no text, or there twice")
		}
		if dict[key], err = u.value(depth + 1); err != nil {
			return nil, err
		}
	}
	return dict, nil
}

func (u *unpacker) structure(n, depth int) (structure, error) {
	tag, err := u.bytes(1)
	if err != nil {
		return structure{}, err
	}
	fields, err := u.list(n, depth)
	return structure{tag: tag[0], fields: fields}, err
}
