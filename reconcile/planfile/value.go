package planfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"keymaker/reconcile"
)

// Values as JSON: null, texts, flags and lists are themselves, and every other type is an object with one member that names it.
//
//	{"number": "1.5"}  {"set": […]}  {"map": {…}}  {"ref": {"address": …, "attribute": "id"}}  {"join": […]}  {"secret": "env NAME"}  {"hash": "…"}
//
// absent is no value at all, for a side of a difference that has nothing; JSON's null is Null.
type value struct{ of reconcile.Value }

var absent = json.RawMessage(`{"absent":true}`)

// MarshalJSON writes a value.
func (v value) MarshalJSON() ([]byte, error) {
	tagged := func(tag string, body any) ([]byte, error) { return plainJSON(map[string]any{tag: body}) }
	switch of := v.of.(type) {
	case nil:
		return absent, nil
	case reconcile.Null:
		return []byte("null"), nil
	case reconcile.Text:
		return plainJSON(string(of))
	case reconcile.Flag:
		return plainJSON(bool(of))
	case reconcile.Number:
		return tagged("number", string(of))
	case reconcile.List:
		return plainJSON(valuesOf(of))
	case reconcile.Set:
		return tagged("set", valuesOf(of))
	case reconcile.Join:
		return tagged("join", valuesOf(of))
	case reconcile.Map:
		members := make(map[string]value, len(of))
		for k, m := range of {
			members[k] = value{m}
		}
		return tagged("map", members)
	case reconcile.Ref:
		return tagged("ref", map[string]any{"address": addrOf(of.Addr), "attribute": of.Attr})
	case reconcile.Secret:
		if hash, ok := hashOf(of); ok {
			return tagged("hash", hash)
		}
		return tagged("secret", of.Origin())
	}
	return nil, fmt.Errorf("no such value: %T", v.of)
}

func valuesOf(vs []reconcile.Value) []value {
	out := make([]value, len(vs))
	for i, v := range vs {
		out[i] = value{v}
	}
	return out
}

// plainJSON marshals without escaping what only matters inside HTML.
func plainJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// maxDepth bounds how deep values nest: a spec's and a server's do not come near it.
const maxDepth = 64

// loader reads values; secret makes a secret of its origin.
type loader struct {
	secret func(origin string) (reconcile.Secret, error)
	fields func(reconcile.Addr, string) reconcile.Field
}

func (l loader) value(text json.RawMessage) (reconcile.Value, error) { return l.valueAt(text, 0) }

func (l loader) valueAt(text json.RawMessage, depth int) (reconcile.Value, error) {
	text = bytes.TrimSpace(text)
	if len(text) == 0 || depth > maxDepth {
		return nil, errors.New("a value is missing, or nests too deep")
	}
	switch text[0] {
	case 'n':
		return reconcile.Null{}, nil
	case 't', 'f':
		var b bool
		err := json.Unmarshal(text, &b)
		return reconcile.Flag(b), err
	case '"':
		var s string
		err := json.Unmarshal(text, &s)
		return reconcile.Text(s), err
	case '[':
		vs, err := l.values(text, depth)
		return reconcile.List(vs), err
	case '{':
		return l.tagged(text, depth)
	}
	return nil, fmt.Errorf("no value begins with %q", text[0])
}

func (l loader) values(text json.RawMessage, depth int) ([]reconcile.Value, error) {
	var raw []json.RawMessage
	if err := json.Unmarshal(text, &raw); err != nil {
		return nil, err
	}
	vs := make([]reconcile.Value, len(raw))
	for i, r := range raw {
		v, err := l.valueAt(r, depth+1)
		if err == nil && v == nil {
			err = errors.New("a list has a member that is nothing")
		}
		if err != nil {
			return nil, err
		}
		vs[i] = v
	}
	return vs, nil
}

func (l loader) tagged(text json.RawMessage, depth int) (reconcile.Value, error) {
	var body map[string]json.RawMessage
	if err := json.Unmarshal(text, &body); err != nil {
		return nil, err
	}
	if len(body) != 1 {
		return nil, errors.New("a value names one type")
	}
	tag := slices.Collect(maps.Keys(body))[0]
	switch tag {
	case "absent":
		return nil, nil
	case "number":
		s, err := textOf(body[tag])
		return reconcile.Number(s), err
	case "set":
		vs, err := l.values(body[tag], depth)
		return reconcile.SetOf(vs...), err
	case "join":
		vs, err := l.values(body[tag], depth)
		return reconcile.Join(vs), err
	case "map":
		return l.mapOf(body[tag], depth)
	case "ref":
		var r struct {
			Address   address `json:"address"`
			Attribute string  `json:"attribute"`
		}
		err := strict(body[tag], &r)
		return reconcile.Ref{Addr: r.Address.addr(), Attr: r.Attribute}, err
	case "hash":
		s, err := textOf(body[tag])
		return hashed(s), err
	case "secret":
		origin, err := textOf(body[tag])
		if err != nil || origin == "" {
			return reconcile.Secret{}, err
		}
		return l.secret(origin)
	}
	return nil, fmt.Errorf("no such type of value: %q", tag)
}

func (l loader) mapOf(text json.RawMessage, depth int) (reconcile.Value, error) {
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(text, &raw); err != nil {
		return nil, err
	}
	m := make(reconcile.Map, len(raw))
	for k, r := range raw {
		v, err := l.valueAt(r, depth+1)
		if err == nil && v == nil {
			err = errors.New("a map has a member that is nothing")
		}
		if err != nil {
			return nil, err
		}
		m[k] = v
	}
	return m, nil
}

func textOf(text json.RawMessage) (string, error) {
	var s string
	err := json.Unmarshal(text, &s)
	return s, err
}

// strict decodes JSON into what has all of its members.
func strict(text []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	return d.Decode(into)
}
