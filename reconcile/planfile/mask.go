package planfile

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"maps"
	"slices"
	"strings"

	"keymaker/reconcile"
)

// hashOrigin begins the origin of a secret that is a keyed hash and nothing else.
const hashOrigin = "a keyed hash: "

// hashed stands for a sensitive value of which only a keyed hash was saved. It opens to an error.
func hashed(hash string) reconcile.Secret {
	return reconcile.NewSecret(hashOrigin+hash, func() (string, error) { return "", errors.New("a saved plan holds no sensitive value") })
}

func hashOf(s reconcile.Secret) (string, bool) { return strings.CutPrefix(s.Origin(), hashOrigin) }

// FieldsOf answers for the fields of kinds, by an object's address and an attribute's name. Inner kinds are found by their own name; the zero Field is of no kind.
func FieldsOf(kinds []reconcile.Kind) func(reconcile.Addr, string) reconcile.Field {
	all := make(map[string]reconcile.Kind)
	var add func(system string, k reconcile.Kind)
	add = func(system string, k reconcile.Kind) {
		all[system+"."+k.Name] = k
		for _, b := range k.Blocks {
			add(system, b.Kind)
		}
	}
	for _, k := range kinds {
		add(k.System, k)
	}
	return func(a reconcile.Addr, name string) reconcile.Field {
		f, _ := all[a.System+"."+a.Kind].Field(name)
		return f
	}
}

// masker replaces what must not stand in a file by keyed hashes: values of sensitive fields.
type masker struct {
	key    []byte
	fields func(reconcile.Addr, string) reconcile.Field
	used   *bool
}

func (m masker) hash(v reconcile.Value) reconcile.Value {
	if v == nil {
		return nil
	}
	if s, ok := v.(reconcile.Secret); ok {
		return s // it is its origin already
	}
	*m.used = true
	mac := hmac.New(sha256.New, m.key)
	mac.Write([]byte(reconcile.Canonical(v)))
	return hashed(hex.EncodeToString(mac.Sum(nil)))
}

func (m masker) object(o reconcile.Object) reconcile.Object {
	o.Attrs = slices.Clone(o.Attrs)
	for i, a := range o.Attrs {
		if m.fields(o.Addr, a.Name).Sensitive {
			o.Attrs[i].Value = m.hash(a.Value)
			o.Attrs[i].Items = nil
		}
	}
	o.Facts = maps.Clone(o.Facts)
	for name, v := range o.Facts {
		if m.fields(o.Addr, name).Sensitive {
			o.Facts[name] = m.hash(v)
		}
	}
	return o
}

func (m masker) diff(d reconcile.Diff) reconcile.Diff {
	if !d.Field.Sensitive {
		return d
	}
	d.Live, d.Want = m.hash(d.Live), m.hash(d.Want)
	d.Added, d.Removed = m.all(d.Added), m.all(d.Removed)
	return d
}

func (m masker) all(vs []reconcile.Value) []reconcile.Value {
	if vs == nil {
		return nil
	}
	out := make([]reconcile.Value, len(vs))
	for i, v := range vs {
		out[i] = m.hash(v)
	}
	return out
}

func (m masker) objects(objects []reconcile.Object) []reconcile.Object {
	out := make([]reconcile.Object, len(objects))
	for i, o := range objects {
		out[i] = m.object(o)
	}
	return out
}

// fingerprint is a hash of all that was read of an object: attributes, facts, whether it may be deleted.
func fingerprint(o reconcile.Object) string {
	h := sha256.New()
	write := func(parts ...string) {
		for _, p := range parts {
			h.Write([]byte(p))
			h.Write([]byte{0})
		}
	}
	write(o.Addr.String(), o.Protected)
	for _, a := range o.Attrs {
		write("attribute", a.Name, reconcile.Canonical(a.Value))
	}
	for _, name := range slices.Sorted(maps.Keys(o.Facts)) {
		write("fact", name, reconcile.Canonical(o.Facts[name]))
	}
	return hex.EncodeToString(h.Sum(nil))
}
