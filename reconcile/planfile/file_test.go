package planfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/hcl/v2"

	"keymaker/reconcile"
)

// kindsForTest has one kind with a plain and a sensitive attribute.
func kindsForTest() []reconcile.Kind {
	return []reconcile.Kind{{System: "memory", Name: "thing", Fields: []reconcile.Field{
		{Name: "text", Type: reconcile.String},
		{Name: "map", Type: reconcile.JSON, Compare: reconcile.OwnedKeys},
		{Name: "password", Type: reconcile.SecretText, Sensitive: true},
	}}}
}

func optionsForTest() Options {
	return Options{Kinds: kindsForTest(), Secret: func(origin string) (reconcile.Secret, error) {
		return reconcile.NewSecret(origin, func() (string, error) { return "opened", nil }), nil
	}}
}

// filled fills everything that a value of a type can hold, so that a field which is added later and not saved makes the round trip fail.
type filler struct{ n int }

func (f *filler) fill(v reflect.Value) {
	f.n++
	switch v.Interface().(type) {
	case reconcile.Value:
		v.Set(reflect.ValueOf(reconcile.Value(reconcile.Text(fmt.Sprint("text", f.n)))))
		return
	case hcl.Range:
		pos := hcl.Pos{Line: f.n, Column: 2, Byte: 3}
		v.Set(reflect.ValueOf(hcl.Range{Filename: "main.hcl", Start: pos, End: pos}))
		return
	case []reconcile.Budget: // what a server allowed when the plan was made says nothing of later
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(fmt.Sprint("s", f.n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(f.n))
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		f.fill(v.Index(0))
	case reflect.Map:
		elem := reflect.New(v.Type().Elem()).Elem()
		f.fill(elem)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(reflect.ValueOf(fmt.Sprint("k", f.n)), elem)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		f.fill(v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			f.fill(v.Field(i))
		}
	case reflect.Interface:
		if v.Type() == reflect.TypeFor[reconcile.Value]() {
			v.Set(reflect.ValueOf(reconcile.Text(fmt.Sprint("text", f.n))))
		}
	}
}

func fullObject(t *testing.T) reconcile.Object {
	t.Helper()
	var o reconcile.Object
	new(filler).fill(reflect.ValueOf(&o).Elem())
	o.Addr = reconcile.Addr{System: "memory", Parent: "p", Kind: "thing", Name: "a", Key: "k"}
	return o
}

func TestEveryFieldOfAnObjectIsSaved(t *testing.T) {
	o := fullObject(t)
	saved, err := objectOf(o)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(saved)
	if err != nil {
		t.Fatal(err)
	}
	var again object
	if err := strict(text, &again); err != nil {
		t.Fatal(err)
	}
	got, err := loader{}.object(again)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, o) {
		t.Errorf("got\n%#v\nwant\n%#v", got, o)
	}
}

func TestEveryFieldOfAPlanIsSaved(t *testing.T) {
	f := fileForTest(t)
	f.insensitive()
	fill := new(filler)
	p := &f.Plan
	p.Destroy = true
	step := &p.Steps[1]
	for _, part := range []any{&step.Hazards, &step.Notes, &step.Pending, &step.Later, &step.After, &p.Kept, &p.Targets, &p.Access, &p.Partial} {
		fill.fill(reflect.ValueOf(part).Elem())
	}
	var own reconcile.Own
	fill.fill(reflect.ValueOf(&own).Elem())
	p.Drift.Items[0].Own, p.Drift.Items[0].Ignored = &own, []string{"x"}
	data, err := f.Encode(kindsForTest())
	if err != nil {
		t.Fatal(err)
	}
	again, err := Decode(data, optionsForTest())
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range p.Steps { // ops come back as texts
		for n, op := range s.Ops {
			p.Steps[i].Ops[n] = Op{Text: op.String(), Tallies: op.Calls()}
		}
	}
	if !reflect.DeepEqual(again.Plan, *p) {
		t.Errorf("got\n%+v\nwant\n%+v", again.Plan, *p)
	}
	for _, typ := range []reflect.Type{reflect.TypeFor[reconcile.Plan](), reflect.TypeFor[reconcile.Step](), reflect.TypeFor[reconcile.DriftItem]()} {
		// Gravity, Means and By of a DriftItem are told by drift only: a plan has none. Touches and Parts of a Step are found out anew when a saved plan is made again from
		// what is live.
		want := map[string]int{"Plan": 10, "Step": 10, "DriftItem": 11}[typ.Name()]
		if typ.NumField() != want {
			t.Errorf("%s has %d fields, and the format was made for %d: save the new one, or say here that it is not needed", typ, typ.NumField(), want)
		}
	}
}

type callOp string

func (o callOp) String() string           { return string(o) }
func (o callOp) Calls() []reconcile.Tally { return []reconcile.Tally{{What: "write", N: 1}} }

func addr(name string) reconcile.Addr {
	return reconcile.Addr{System: "memory", Kind: "thing", Name: name}
}

// fileForTest is a plan that creates b, which needs a, and updates a.
func fileForTest(t *testing.T) *File {
	t.Helper()
	text := func(o *reconcile.Object, v reconcile.Value) { o.Set(reconcile.Attr{Name: "text", Value: v}) }
	live := reconcile.Object{Addr: addr("a"), Facts: map[string]reconcile.Value{"id": reconcile.Text("1")}}
	text(&live, reconcile.Text("old"))
	live.Set(reconcile.Attr{Name: "password", Value: reconcile.Text("canary-live-password")})
	want := reconcile.Object{Addr: addr("a")}
	text(&want, reconcile.Text("new"))
	want.Set(reconcile.Attr{Name: "password", Value: reconcile.NewSecret("env PW", func() (string, error) { return "canary-wanted-password", nil })})
	made := reconcile.Object{Addr: addr("b"), Needs: []reconcile.Addr{addr("a")}}
	text(&made, reconcile.Join{reconcile.Text("x"), reconcile.Ref{Addr: addr("a"), Attr: "id"}})
	made.Set(reconcile.Attr{Name: "map", Value: reconcile.Map{
		"n": reconcile.NumberOf("1.5"), "f": reconcile.Flag(true), "z": reconcile.Null{},
		"l": reconcile.List{reconcile.Text("\x1b[31m<&>\u202e")}, "s": reconcile.TextSet("b", "a"),
	}})
	field := func(name string) reconcile.Field { return FieldsOf(kindsForTest())(addr("a"), name) }
	diffs := []reconcile.Diff{
		{Name: "password", Live: live.Get("password"), Want: want.Get("password"), Field: field("password")},
		{Name: "text", Live: reconcile.Text("old"), Want: reconcile.Text("new"), Field: field("text")},
	}
	plan := reconcile.Plan{
		Steps: []reconcile.Step{
			{Change: reconcile.Create{Want: made}, Stage: reconcile.Converge, Ops: []reconcile.Op{callOp("POST /b")}},
			{Change: reconcile.Create{Want: made}, Stage: reconcile.Converge},
		},
		Drift: reconcile.Drift{Items: []reconcile.DriftItem{
			{Addr: addr("a"), State: reconcile.InSync, Want: made, Live: made},
			{Addr: addr("b"), State: reconcile.Missing, Want: made},
		}},
	}
	f := New(plan, []reconcile.Object{want, made}, []reconcile.Live{{Objects: []reconcile.Object{live}}},
		map[string]reconcile.Block{"memory": {Dir: "spec", Fields: map[string]reconcile.Argument{"token": {Value: reconcile.NewSecret("file t", nil)}}}})
	f.Plan.Steps[1].Change = reconcile.Update{Live: live, Want: want, Diffs: diffs}
	f.Keymaker, f.Spec, f.Created = "dev", "sha256:0", time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	f.Plan.Made = f.Created
	return f
}

// insensitive takes the sensitive values out.
func (f *File) insensitive() {
	without := func(o reconcile.Object) reconcile.Object {
		o.Attrs = slices.DeleteFunc(slices.Clone(o.Attrs), func(a reconcile.Attr) bool { return a.Name == "password" })
		return o
	}
	u := f.Plan.Steps[1].Change.(reconcile.Update)
	f.Plan.Steps[1].Change = reconcile.Update{Live: without(u.Live), Want: without(u.Want), Diffs: u.Diffs[1:]}
	f.Grounds[0] = without(f.Grounds[0])
}

func TestNoSecretIsSaved(t *testing.T) {
	data, err := fileForTest(t).Encode(kindsForTest())
	if err != nil {
		t.Fatal(err)
	}
	if i := bytes.Index(data, []byte("canary")); i >= 0 {
		t.Errorf("a secret is in the file: …%s…", data[max(0, i-60):i+30])
	}
	again, err := Decode(data, optionsForTest())
	if err != nil {
		t.Fatal(err)
	}
	if s, _ := again.Wants[0].Get("password").(reconcile.Secret); s.Origin() != "env PW" {
		t.Errorf("the wanted password comes from %q", s.Origin())
	}
	if s, _ := again.Connections["memory"].Value("token").(reconcile.Secret); s.Origin() != "file t" {
		t.Errorf("the token comes from %q", s.Origin())
	}
}

func TestAWrittenOutSecretIsNotSaved(t *testing.T) {
	f := fileForTest(t)
	f.Wants[0].Set(reconcile.Attr{Name: "password", Value: reconcile.Text("canary")})
	if _, err := f.Encode(kindsForTest()); err == nil || strings.Contains(err.Error(), "canary") || !strings.Contains(err.Error(), "memory.thing.a: password") {
		t.Errorf("got %v", err)
	}
}

func TestRecheckSeesASensitiveValueMove(t *testing.T) {
	data, err := fileForTest(t).Encode(kindsForTest())
	if err != nil {
		t.Fatal(err)
	}
	f, err := Decode(data, optionsForTest())
	if err != nil {
		t.Fatal(err)
	}
	fresh := fileForTest(t).Grounds
	drift := reconcile.Drift{Items: []reconcile.DriftItem{{Addr: addr("a"), State: reconcile.Drifted}, {Addr: addr("b"), State: reconcile.Missing}}}
	if r := f.Recheck(fresh, drift, kindsForTest()); len(r.Moved) > 0 || len(r.Left) != 2 {
		t.Errorf("nothing moved: %+v", r)
	}
	fresh[0].Set(reconcile.Attr{Name: "password", Value: reconcile.Text("canary-other")})
	r := f.Recheck(fresh, drift, kindsForTest())
	if len(r.Moved) != 1 || r.Moved[0].Attr != "password" || strings.Contains(fmt.Sprint(r.Moved), "canary") || len(r.Refused) != 2 {
		t.Errorf("got %v, refused %v", r.Moved, r.Refused)
	}
}

func TestSameFileToTheByte(t *testing.T) {
	encode := func(sensitive bool) []byte {
		f := fileForTest(t)
		if !sensitive {
			f.insensitive()
		}
		data, err := f.Encode(kindsForTest())
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	if !bytes.Equal(encode(false), encode(false)) {
		t.Error("two files of one plan differ")
	}
	if bytes.Contains(encode(false), []byte(`"key":"`)) {
		t.Error("a file without hashes has a key")
	}
	again, err := Decode(encode(true), optionsForTest())
	if err != nil {
		t.Fatal(err)
	}
	first, err := again.Encode(kindsForTest())
	if err != nil || !bytes.Equal(first, mustEncode(t, again)) {
		t.Errorf("a file that is read and written again is another: %v", err)
	}
}

func mustEncode(t *testing.T, f *File) []byte {
	t.Helper()
	data, err := f.Encode(kindsForTest())
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestFileOnDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "plan")
	if err := fileForTest(t).Write(path, kindsForTest()); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if _, err := Read(path, optionsForTest()); err != nil {
		t.Error(err)
	}
	if _, err := Read(path+".gone", optionsForTest()); err == nil {
		t.Error("a file that is not there was read")
	}
}

// A bit anywhere in a file counts, and so does its length. The steps are primes, so that they meet every part.
func TestTampering(t *testing.T) {
	data := mustEncode(t, fileForTest(t))
	refused := func(what string, changed []byte) {
		if _, err := Decode(changed, optionsForTest()); err == nil {
			t.Errorf("%s: read all the same", what)
		} else if strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: more than one error: %v", what, err)
		}
	}
	for i := 0; i < len(data); i += 61 {
		for bit := range 8 {
			changed := bytes.Clone(data)
			changed[i] ^= 1 << bit
			refused(fmt.Sprintf("bit %d of byte %d", bit, i), changed)
		}
	}
	for n := 0; n < len(data); n += 47 {
		refused(fmt.Sprintf("cut off at %d", n), data[:n])
	}
	refused("a blank more", append(bytes.Clone(data), ' '))
	refused("twice", append(bytes.Clone(data), data...))
	refused("another version", bytes.Replace(data, []byte(`"version":1`), []byte(`"version":2`), 1))
}

// resealed gives a body with one text replaced the digest that it then needs.
func resealed(t *testing.T, data []byte, old, new string) []byte {
	t.Helper()
	var doc document
	if err := json.Unmarshal(data, &doc); err != nil {
		t.Fatal(err)
	}
	changed := bytes.Replace(doc.Body, []byte(old), []byte(new), 1)
	if bytes.Equal(changed, doc.Body) {
		t.Fatalf("%s is not in the file", old)
	}
	out, err := seal(json.RawMessage(changed))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// A digest can be made again by whoever changes a file on purpose: what the file says then still has to be a plan.
func TestWrongTypes(t *testing.T) {
	data := mustEncode(t, fileForTest(t))
	for _, c := range [][2]string{
		{`"action":"~"`, `"action":"!"`}, {`"action":"~"`, `"action":"+"`}, {`"stage":1`, `"stage":7`}, {`"stage":1`, `"stage":"1"`},
		{`"state":"missing"`, `"state":"odd"`}, {`{"number":"1.5"}`, `{"nomber":"1.5"}`}, {`{"number":"1.5"}`, `{}`}, {`{"number":"1.5"}`, `1.5`},
		{`"created":"2026`, `"created":"today, 2026`}, {`"grounds":[`, `"grounds":[{"fingerprint":"","object":{"address":{"system":"","kind":"","name":""}}},`},
		{`"wants":`, `"wonts":`}, {`"secret":"env PW"`, `"secret":7`}, {`"text":"POST /b"`, `"text":["POST /b"]`},
	} {
		if _, err := Decode(resealed(t, data, c[0], c[1]), optionsForTest()); err == nil {
			t.Errorf("%s instead of %s: read all the same", c[1], c[0])
		}
	}
}

func FuzzDecode(f *testing.F) {
	data, err := fileForTest(&testing.T{}).Encode(kindsForTest())
	if err != nil {
		f.Fatal(err)
	}
	var doc document
	if err := json.Unmarshal(data, &doc); err != nil {
		f.Fatal(err)
	}
	f.Add(data, false)
	f.Add([]byte(doc.Body), true)
	f.Add([]byte(`{"plan":{"steps":[{"action":"+"}]}}`), true)
	f.Fuzz(func(t *testing.T, data []byte, seals bool) {
		if seals {
			var err error
			if data, err = seal(json.RawMessage(data)); err != nil {
				return
			}
		}
		file, err := Decode(data, optionsForTest())
		if err != nil {
			return
		}
		again, err := file.Encode(kindsForTest())
		if err != nil {
			return // a written-out secret
		}
		if _, err := Decode(again, optionsForTest()); err != nil {
			t.Errorf("what was read and written again is refused: %v\n%s", err, again)
		}
		file.Recheck(file.Grounds, file.Plan.Drift, kindsForTest())
	})
}

func TestCheckTargets(t *testing.T) {
	f := &File{Plan: reconcile.Plan{Targets: []reconcile.Target{{System: "neo4j", Title: "Neo4j", URL: "bolt://a", Product: "Enterprise 5.26.4, 1 member"}}}}
	for _, c := range []struct {
		now reconcile.Target
		err string
	}{
		{reconcile.Target{System: "neo4j", URL: "bolt://a", Product: "Enterprise 5.30.0, 3 members"}, ""},
		{reconcile.Target{System: "neo4j", URL: "bolt://b", Product: "Enterprise 5.26.4"}, "the plan is for Neo4j bolt://a, and this is bolt://b"},
		{reconcile.Target{System: "neo4j", URL: "bolt://a", Product: "Enterprise 2026.1"}, "is Enterprise 2026.1 now"},
		{reconcile.Target{System: "okta"}, "there is no connection"},
	} {
		err := f.CheckTargets([]reconcile.Target{c.now})
		if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%+v: got %v, want %q", c.now, err, c.err)
		}
	}
}

func TestCanonicalJSON(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{` { "b" : [ 1.50 , {"y":1,"x":null} , [ ] ] , "a":true } `, `{"a":true,"b":[1.50,{"x":null,"y":1},[]]}`},
		{`{"a":1,"b":2,"a":3}`, `{"a":3,"b":2}`},
		{`{"b":1,"a":2,"b":{"d":1,"c":2},"a":4}`, `{"a":4,"b":{"c":2,"d":1}}`},
		{`{"a":1,"a":2}`, `{"a":2}`},
		{`{}`, `{}`},
		{`"\u00e4<\u2028"`, `"ä<\u2028"`},
		{`123456789012345678901234567890.10`, `123456789012345678901234567890.10`},
	} {
		got, err := canonicalJSON([]byte(c.text))
		if err != nil || string(got) != c.want {
			t.Errorf("%s becomes %s, %v; want %s", c.text, got, err, c.want)
		}
	}
	for _, text := range []string{``, `{`, `[1`, `[1}`, `{"a"}`, `{"a":1}}`, `{"a":1} 2`, `]`, `{1:2}`} {
		if got, err := canonicalJSON([]byte(text)); err == nil {
			t.Errorf("%s becomes %s, want an error", text, got)
		}
	}
}

// FuzzCanonicalJSON holds it to what encoding/json makes of a tree.
func FuzzCanonicalJSON(f *testing.F) {
	for _, text := range []string{`{"b":[1,{"y":null}],"a":"\u2028","b":2}`, `[[],{},"",-0.5e9]`, `{"":{"":1},"":2}`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var tree any
		d := json.NewDecoder(bytes.NewReader(text))
		d.UseNumber()
		if d.Decode(&tree) != nil {
			return
		}
		if _, err := d.Token(); !errors.Is(err, io.EOF) {
			return
		}
		want, err := plainJSON(tree)
		if err != nil {
			return
		}
		got, err := canonicalJSON(text)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%q becomes %q, %v; want %q", text, got, err, want)
		}
	})
}
