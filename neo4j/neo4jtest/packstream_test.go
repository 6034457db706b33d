package neo4jtest

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"
)

var (
	codec44    = codec{version: version{4, 4}}
	codec44utc = codec{version: version{4, 4}, utc: true}
	codec58    = codec{version: version{5, 8}, utc: true}
)

func packed(t testing.TB, c codec, v any) []byte {
	t.Helper()
	e := encoder{codec: c}
	if err := e.value(v); err != nil {
		t.Fatalf("encode %#v: %v", v, err)
	}
	return e.buf
}

// TestPackstreamForms checks the smallest form of every kind of value, both ways, at each edge.
func TestPackstreamForms(t *testing.T) {
	long := strings.Repeat("a", 256)
	tests := []struct {
		value any
		hex   string // of the first bytes when it ends with ".."
	}{
		{nil, "c0"},
		{true, "c3"},
		{false, "c2"},
		{int64(0), "00"},
		{int64(127), "7f"},
		{int64(-16), "f0"},
		{int64(-17), "c8ef"},
		{int64(-128), "c880"},
		{int64(128), "c90080"},
		{int64(-129), "c9ff7f"},
		{int64(-32768), "c98000"},
		{int64(32768), "ca00008000"},
		{int64(math.MinInt32), "ca80000000"},
		{int64(math.MaxInt32) + 1, "cb0000000080000000"},
		{int64(math.MinInt64), "cb8000000000000000"},
		{1.25, "c13ff4000000000000"},
		{"", "80"},
		{"é", "82c3a9"},
		{long[:15], "8f6161.."},
		{long[:16], "d0106161.."},
		{long[:255], "d0ff6161.."},
		{long, "d101006161.."},
		{strings.Repeat(long, 256), "d2000100006161.."},
		{[]byte{}, "cc00"},
		{[]byte{1, 2}, "cc020102"},
		{make([]byte, 256), "cd010000.."},
		{make([]byte, 65536), "ce000100000000.."},
		{[]any{}, "90"},
		{[]any{int64(1), "a"}, "92018161"},
		{make([]any, 16), "d410c0c0.."},
		{make([]any, 256), "d50100c0c0.."},
		{make([]any, 65536), "d600010000c0c0.."},
		{map[string]any{}, "a0"},
		{map[string]any{"b": int64(2), "a": nil}, "a28161c0816202"},
		{structure{'X', []any{int64(1)}}, "b15801"},
	}
	for _, tt := range tests {
		data := packed(t, codec58, tt.value)
		got := hex.EncodeToString(data)
		if want, open := strings.CutSuffix(tt.hex, ".."); open && !strings.HasPrefix(got, want) || !open && got != want {
			t.Errorf("encode %.40v: got %.40s, want %s", tt.value, got, tt.hex)
		}
		back, err := decodeAll(data, nil)
		if err != nil || !reflect.DeepEqual(back, tt.value) {
			t.Errorf("decode %.40s: got %.40v, %v, want %.40v", got, back, err, tt.value)
		}
	}
	big := map[string]any{}
	for _, n := range []int{16, 256} {
		for i := len(big); i < n; i++ {
			big[strings.Repeat("k", i)] = int64(i)
		}
		if back, err := decodeAll(packed(t, codec58, big), nil); err != nil || !reflect.DeepEqual(back, big) {
			t.Errorf("map of %d keys does not survive: %v", n, err)
		}
	}
}

// TestPackstreamLongForms accepts sizes and integers in a wider form than needed, as some drivers send them.
func TestPackstreamLongForms(t *testing.T) {
	tests := map[string]any{
		"c805": int64(5), "cb0000000000000005": int64(5), "d00161": "a", "d2000000 0161": "a", "d40101": []any{int64(1)},
		"d600000001 01": []any{int64(1)}, "d801816101": map[string]any{"a": int64(1)}, "da00000001816101": map[string]any{"a": int64(1)},
	}
	for in, want := range tests {
		data, err := hex.DecodeString(strings.ReplaceAll(in, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := decodeAll(data, nil); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %v, %v, want %v", in, got, err, want)
		}
	}
}

func TestPackstreamHostile(t *testing.T) {
	deep := bytes.Repeat([]byte{0x91}, maxDepth+2)
	many := append([]byte{0xD6, 0, 0x20, 0, 0}, make([]byte, 0x200000)...)
	tests := []struct {
		name, data, want string
	}{
		{"nothing", "", "unexpected end"},
		{"half an integer", "\xC9\x01", "unexpected end"},
		{"half a float", "\xC1\x01", "unexpected end"},
		{"string claims 4 GB", "\xD2\xFF\xFF\xFF\xFFabc", "unexpected end"},
		{"bytes claim 2 GB", "\xCE\x7F\xFF\xFF\xFF", "unexpected end"},
		{"list claims 4 G items", "\xD6\xFF\xFF\xFF\xFF\x01", "unexpected end"},
		{"map claims 4 G entries", "\xDA\xFF\xFF\xFF\xFF\x81a\x01", "unexpected end"},
		{"map lacks a value", "\xA1\x81a", "unexpected end"},
		{"structure lacks its tag", "\xB1", "unexpected end"},
		{"key is a number", "\xA1\x01\x01", "map key is not a string"},
		{"key twice", "\xA2\x81a\x01\x81a\x02", `duplicate map key "a"`},
		{"not UTF-8", "\x81\xFF", "not valid UTF-8"},
		{"reserved marker", "\xC7", "unknown marker 0xC7"},
		{"structure with 8-bit size", "\xDC\x01N\x01", "unknown marker 0xDC"},
		{"two values", "\x01\x02", "1 unexpected bytes"},
		{"deep", string(deep), "deeper than 100 levels"},
		{"two million values", string(many), "more than 1048576 values"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := decodeAll([]byte(tt.data), nil)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %.60v, %v, want an error with %q", got, err, tt.want)
			}
		})
	}
}

// TestPackstreamClaims shows that memory is taken for what is there, not for what is claimed.
func TestPackstreamClaims(t *testing.T) {
	body := append([]byte{0xD6, 0x00, 0x0F, 0x00, 0x00}, bytes.Repeat([]byte{0xD6, 0x00, 0x0F, 0x00, 0x00}, 20)...)
	claims := append(body, make([]byte, 2000)...)
	got := testing.AllocsPerRun(10, func() {
		if _, err := decodeAll(claims, nil); !errors.Is(err, errTruncated) {
			t.Fatalf("got %v, want %v", err, errTruncated)
		}
	})
	if got > 10 {
		t.Errorf("decoding a lie allocated %v times", got)
	}
}

func TestPackstreamNoForm(t *testing.T) {
	for _, v := range []any{struct{}{}, []any{uint8(1)}, map[string]any{"a": make(chan int)}, structure{'X', make([]any, 16)}, structure{'X', []any{float32(1)}}} {
		if err := (&encoder{}).value(v); err == nil || !strings.HasPrefix(err.Error(), "packstream: ") {
			t.Errorf("%T: got %v, want a refusal", v, err)
		}
	}
}

// TestPackstreamStructures checks how values of Cypher are told in 4.4 and in 5.x.
func TestPackstreamStructures(t *testing.T) {
	props := map[string]any{"a": int64(1)}
	n := node{id: 7, elementID: "4:x:7", labels: []string{"L"}, properties: props}
	r := relationship{id: 1, start: 7, end: 8, elementID: "5:x:1", startElementID: "4:x:7", endElementID: "4:x:8", kind: "K"}
	summer := dateTime{seconds: 1720000000, nanos: 5, zone: "Europe/Stockholm"}
	tests := []struct {
		name  string
		codec codec
		value packable
		want  structure
	}{
		{"node 4.4", codec44, n, structure{'N', []any{int64(7), []any{"L"}, props}}},
		{"node 5", codec58, n, structure{'N', []any{int64(7), []any{"L"}, props, "4:x:7"}}},
		{"relationship 4.4", codec44, r, structure{'R', []any{int64(1), int64(7), int64(8), "K", map[string]any{}}}},
		{"relationship 5", codec58, r, structure{'R', []any{int64(1), int64(7), int64(8), "K", map[string]any{}, "5:x:1", "4:x:7", "4:x:8"}}},
		{"path 5", codec58, walk{nodes: []node{n}, relationships: []relationship{r}, indices: []int64{1, 0}}, structure{'P', []any{
			[]any{structure{'N', []any{int64(7), []any{"L"}, props, "4:x:7"}}},
			[]any{structure{'r', []any{int64(1), "K", map[string]any{}, "5:x:1"}}},
			[]any{int64(1), int64(0)},
		}}},
		{"date", codec58, date{3}, structure{'D', []any{int64(3)}}},
		{"time", codec58, zonedTime{5, 3600}, structure{'T', []any{int64(5), int64(3600)}}},
		{"local time", codec58, localTime{5}, structure{'t', []any{int64(5)}}},
		{"local date-time", codec58, localDateTime{5, 6}, structure{'d', []any{int64(5), int64(6)}}},
		{"duration", codec58, duration{1, 2, 3, 4}, structure{'E', []any{int64(1), int64(2), int64(3), int64(4)}}},
		{"point", codec58, point{srid: 7203, x: 1, y: 2}, structure{'X', []any{int64(7203), 1.0, 2.0}}},
		{"point in space", codec58, point{srid: 9157, x: 1, y: 2, z: 3, solid: true}, structure{'Y', []any{int64(9157), 1.0, 2.0, 3.0}}},
		{"date-time, 5", codec58, dateTime{seconds: 10, nanos: 1, offset: 7200}, structure{'I', []any{int64(10), int64(1), int64(7200)}}},
		{"date-time, 4.4", codec44, dateTime{seconds: 10, nanos: 1, offset: 7200}, structure{'F', []any{int64(7210), int64(1), int64(7200)}}},
		{"date-time, 4.4 patched", codec44utc, dateTime{seconds: 10, nanos: 1, offset: 7200}, structure{'I', []any{int64(10), int64(1), int64(7200)}}},
		{"zoned, 5", codec58, summer, structure{'i', []any{int64(1720000000), int64(5), "Europe/Stockholm"}}},
		{"zoned, 4.4", codec44, summer, structure{'f', []any{int64(1720007200), int64(5), "Europe/Stockholm"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			data := packed(t, tt.codec, tt.value)
			got, err := decodeAll(data, nil)
			if err != nil || !reflect.DeepEqual(got, tt.want) {
				t.Fatalf("got %v, %v, want %v", got, err, tt.want)
			}
			back, err := decodeAll(data, tt.codec.unpack)
			if tag := tt.want.tag; tag == 'N' || tag == 'R' || tag == 'P' {
				if err == nil {
					t.Errorf("a client may send %c", tag)
				}
				return
			}
			if err != nil || back != tt.value {
				t.Errorf("unpack: got %v, %v, want %v", back, err, tt.value)
			}
		})
	}
}

func TestPackstreamUnpackRefuses(t *testing.T) {
	tests := []struct {
		codec codec
		value structure
	}{
		{codec58, structure{'F', []any{int64(1), int64(2), int64(3)}}},
		{codec44, structure{'I', []any{int64(1), int64(2), int64(3)}}},
		{codec58, structure{'D', nil}},
		{codec58, structure{'D', []any{"a"}}},
		{codec58, structure{'D', []any{int64(1), int64(2)}}},
		{codec58, structure{'X', []any{int64(1), int64(2), 3.0}}},
		{codec58, structure{'i', []any{int64(1), int64(2), "Atlantis/Capital"}}},
		{codec58, structure{'i', []any{int64(1), int64(2), "Local"}}},
		{codec58, structure{'i', []any{int64(1), int64(2), "../../etc/passwd"}}},
		{codec58, structure{'?', nil}},
	}
	for _, tt := range tests {
		if v, err := tt.codec.unpack(tt.value); err == nil {
			t.Errorf("%c %v: got %v, want a refusal", tt.value.tag, tt.value.fields, v)
		}
	}
}

func TestPackstreamDateTimeOf(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 6, time.FixedZone("", 3600))
	if got, want := dateTimeOf(at), (dateTime{seconds: at.Unix(), nanos: 6, offset: 3600}); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

// FuzzPackstream decodes anything without a panic; what it understood survives encoding.
func FuzzPackstream(f *testing.F) {
	for _, v := range []any{nil, int64(1) << 40, 1.5, "é", []byte{1}, []any{int64(1), []any{}}, map[string]any{"a": map[string]any{}}, structure{'D', []any{int64(3)}}} {
		f.Add(packed(f, codec58, v))
	}
	f.Add([]byte("\xDA\xFF\xFF\xFF\xFF\x81a\x01"))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, structs := range []func(structure) (any, error){nil, codec58.unpack, codec44.unpack} {
			v, err := decodeAll(data, structs)
			if err != nil || structs != nil {
				continue
			}
			once := packed(t, codec58, v)
			again, err := decodeAll(once, nil)
			if err != nil {
				t.Fatalf("decode of encode: %v", err)
			}
			if twice := packed(t, codec58, again); !bytes.Equal(once, twice) { // bytes, since NaN differs from itself
				t.Fatalf("got %x, want %x", twice, once)
			}
			if len(once) > len(data) {
				t.Fatalf("encoding grew from %d to %d bytes", len(data), len(once))
			}
		}
	})
}
