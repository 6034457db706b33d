package bolt

import (
	"bytes"
	"math"
	"reflect"
	"strings"
	"testing"
)

// Bytes as the Bolt manual has them, "PackStream", with the borders between markers.
func TestPack(t *testing.T) {
	long := strings.Repeat("x", 256)
	for _, c := range []struct {
		value any
		want  string
	}{
		{nil, "\xC0"}, {true, "\xC3"}, {false, "\xC2"},
		{int64(0), "\x00"}, {int64(127), "\x7F"}, {int64(-16), "\xF0"}, {int64(-17), "\xC8\xEF"}, {int64(-128), "\xC8\x80"}, {int64(128), "\xC9\x00\x80"},
		{int64(-129), "\xC9\xFF\x7F"}, {int64(32767), "\xC9\x7F\xFF"}, {int64(32768), "\xCA\x00\x00\x80\x00"}, {int64(math.MinInt32), "\xCA\x80\x00\x00\x00"},
		{int64(math.MaxInt32 + 1), "\xCB\x00\x00\x00\x00\x80\x00\x00\x00"}, {int64(math.MinInt64), "\xCB\x80\x00\x00\x00\x00\x00\x00\x00"},
		{"", "\x80"}, {"A", "\x81A"}, {"Größenmaßstäbe", "\xD0\x12Größenmaßstäbe"}, {long[:255], "\xD0\xFF" + long[:255]}, {long, "\xD1\x01\x00" + long},
		{[]any{}, "\x90"}, {[]any{int64(1), "a", nil}, "\x93\x01\x81a\xC0"}, {[]string{"a", "b"}, "\x92\x81a\x81b"},
		{make([]any, 40), "\xD4\x28" + strings.Repeat("\xC0", 40)},
		{map[string]any{}, "\xA0"}, {map[string]any{"b": int64(2), "a": int64(1)}, "\xA2\x81a\x01\x81b\x02"}, {map[string]string{"a": "b"}, "\xA1\x81a\x81b"},
	} {
		got, err := appendValue(nil, c.value)
		if err != nil || string(got) != c.want {
			t.Errorf("%#v: got % X, %v, want % X", c.value, got, err, c.want)
		}
	}
	for name, v := range map[string]any{"no UTF-8": "a\xFF", "in a key": map[string]any{"\xFF": nil}, "in a list": []any{"\xFF"}, "no form": 3.5, "nor this": struct{}{}} {
		if got, err := appendValue(nil, v); err == nil {
			t.Errorf("%s: got % X", name, got)
		}
	}
}

func TestUnpack(t *testing.T) {
	for _, c := range []struct {
		data string
		want any
	}{
		{"\xC1\x3F\xF8\x00\x00\x00\x00\x00\x00", 1.5}, {"\xCC\x02\x01\x02", []byte{1, 2}}, {"\xD2\x00\x00\x00\x01a", "a"}, {"\xD6\x00\x00\x00\x01\x01", []any{int64(1)}},
		{"\xDA\x00\x00\x00\x01\x81a\xC3", map[string]any{"a": true}}, {"\xB1\x70\xA0", structure{0x70, []any{map[string]any{}}}},
	} {
		got, err := unpack([]byte(c.data))
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("% X: got %#v, %v, want %#v", c.data, got, err, c.want)
		}
	}
	for name, data := range map[string]string{
		"nothing": "", "more behind": "\x01\x02", "a text cut short": "\x85ab", "a number cut short": "\xCA\x00", "a list that says it is huge": "\xD6\x7F\xFF\xFF\xFF",
		"a map that says it is huge": "\xDA\xFF\xFF\xFF\xFF", "no marker": "\xC7", "nor this": "\xDF\x00", "a key that is no text": "\xA1\x01\x01", "a key twice": "\xA2\x81a\x01\x81a\x02",
		"no UTF-8": "\x81\xFF", "too deep": strings.Repeat("\x91", maxDepth+2) + "\x01", "too much": "\xD6\x00\x01\x00\x00" + strings.Repeat("\x01", 1<<16), "a structure without a tag": "\xB0",
	} {
		if got, err := unpack([]byte(data)); err == nil {
			t.Errorf("%s: got %#v", name, got)
		}
	}
}

// Whatever a server sends, reading it ends in a value or an error.
func FuzzUnpack(f *testing.F) {
	for _, s := range []string{"\xC0", "\xB1\x70\xA1\x84code\x81x", "\xD6\x00\x00\x00\x02\x01\x02", "\xB1\x7F\xA2\x87message\x81x\x85cause\xA0", "\xCC\xFF", "\xDC\x01"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if a, record, err := answerOf(data); err == nil && !record && a.tag == tagFailure {
			_ = failureOf(a.meta).Error()
		}
		if v, err := unpack(data); err == nil && v == nil && !bytes.Equal(data, []byte{markerNull}) {
			t.Errorf("% X is null", data)
		}
	})
}

// What is packed unpacks to the same.
func FuzzPack(f *testing.F) {
	f.Add("CREATE ROLE $a", "a", "value", int64(-17), true)
	f.Add("", "", strings.Repeat("x", 70000), int64(math.MinInt64), false)
	f.Fuzz(func(t *testing.T, text, key, value string, n int64, flag bool) {
		want := []any{text, map[string]any{key: value, key + "n": n}, []any{flag, nil, n}}
		data, err := appendMessage(nil, tagRun, want...)
		if err != nil {
			return // not UTF-8
		}
		got, err := unpack(data)
		if err != nil || !reflect.DeepEqual(got, structure{tagRun, want}) {
			t.Errorf("%#v: got %#v, %v", want, got, err)
		}
	})
}
