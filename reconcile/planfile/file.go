package planfile

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/google/renameio/v2"

	"keymaker/reconcile"
)

// Version is the format that this program writes, and the only one that it reads.
const Version = 1

// MaxSize is how large a file may be, in bytes.
const MaxSize = 512 << 20

// File is a saved plan.
type File struct {
	Keymaker string    // the version of the program that planned
	Created  time.Time // to the second, UTC
	Spec     string    // a digest of the spec's files
	// Plan is the plan as it can be shown; its ops are [Op], texts.
	Plan reconcile.Plan
	// Wants are the spec's objects, for the proof after it. Sensitive values come from where the spec says. Only [File.Context] of them is read before.
	Wants []reconcile.Object
	// Grounds are the live objects that the plan touches or rests on, as it saw them, sensitive values as keyed hashes. One that was not there is not among them.
	Grounds []reconcile.Object
	// Connections are the spec's connection blocks, by system.
	Connections map[string]reconcile.Block

	key []byte // of the hashes; nil when there is none
}

// New makes a file of a plan. want are the spec's objects, lives what the plan was made from.
func New(p reconcile.Plan, want []reconcile.Object, lives []reconcile.Live, connections map[string]reconcile.Block) *File {
	f := &File{Created: p.Made, Plan: p, Wants: want, Connections: connections}
	grounds := groundsOf(p)
	for _, o := range reconcile.Everything(lives, p.Drift) {
		if grounds[o.Addr] {
			f.Grounds = append(f.Grounds, o)
		}
	}
	return f
}

// groundsOf are the addresses of [reconcile.Plan.Grounds].
func groundsOf(p reconcile.Plan) map[reconcile.Addr]bool {
	grounds := make(map[reconcile.Addr]bool)
	for _, a := range p.Grounds() {
		grounds[a] = true
	}
	return grounds
}

type ground struct {
	Fingerprint string `json:"fingerprint"`
	Object      object `json:"object"`
}

// body is all that a file says. Its members are in the order of canonical JSON, as those of [document] are: nothing of that size is moved to make it so.
type body struct {
	Connections map[string]block `json:"connections"`
	Created     string           `json:"created"`
	Grounds     []ground         `json:"grounds"`
	Key         string           `json:"key,omitempty"`
	Keymaker    string           `json:"keymaker"`
	Plan        plan             `json:"plan"`
	Spec        string           `json:"spec"`
	Wants       []object         `json:"wants"`
}

// document is what a file holds. Its members are in the order of canonical JSON: with a canonical body it is written so, and needs no second look at all that is in it.
type document struct {
	Body    json.RawMessage `json:"body"`
	Digest  string          `json:"digest"`
	Format  string          `json:"format"`
	Version int             `json:"version"`
}

const format = "keymaker plan"

// Encode writes a file. The same file gives the same bytes, but for a random key where sensitive live values are hashed. kinds are those of all systems. A want that
// holds a sensitive value itself, and not where it comes from, cannot be saved: that is an error that names it.
func (f *File) Encode(kinds []reconcile.Kind) ([]byte, error) {
	key := f.key
	if key == nil {
		key = make([]byte, 32)
		_, _ = rand.Read(key) // never fails: the program ends instead
	}
	used := false
	m := masker{key: key, fields: FieldsOf(kinds), used: &used}
	if err := m.noSecret(f.Wants); err != nil {
		return nil, err
	}
	b := body{Keymaker: f.Keymaker, Created: f.Created.UTC().Format(time.RFC3339), Spec: f.Spec, Connections: make(map[string]block)}
	var err error
	if b.Plan, err = m.plan(f.slim()); err != nil {
		return nil, err
	}
	if b.Wants, err = objectsOf(f.Wants); err != nil {
		return nil, err
	}
	for _, o := range m.objects(f.Grounds) {
		j, err := objectOf(o)
		if err != nil {
			return nil, err
		}
		b.Grounds = append(b.Grounds, ground{fingerprint(o), j})
	}
	for system, c := range f.Connections {
		if b.Connections[system], err = blockOf(c); err != nil {
			return nil, err
		}
	}
	if used {
		b.Key = hex.EncodeToString(key)
	}
	return seal(b)
}

// slim is the plan without what it neither touches nor rests on: of such objects only address, state and place are kept.
func (f *File) slim() reconcile.Plan {
	p := f.Plan
	inside := groundsOf(p)
	p.Drift.Items = slices.Clone(p.Drift.Items)
	for i, it := range p.Drift.Items {
		if inside[it.Addr] || len(it.Ignored) > 0 || it.State != reconcile.InSync {
			continue
		}
		small := reconcile.Object{Addr: it.Want.Addr, Range: it.Want.Range, Reference: it.Want.Reference, Absent: it.Want.Absent}
		p.Drift.Items[i] = reconcile.DriftItem{Addr: it.Addr, State: it.State, Want: small}
	}
	return p
}

// noSecret refuses wants whose sensitive fields hold a value instead of where it comes from.
func (m masker) noSecret(want []reconcile.Object) error {
	for _, o := range want {
		for _, a := range o.Attrs {
			if _, isSecret := a.Value.(reconcile.Secret); !isSecret && m.fields(o.Addr, a.Name).Sensitive {
				return fmt.Errorf("%s: %s is sensitive and its value stands in the spec: a plan of it cannot be saved", o.Addr, a.Name)
			}
		}
	}
	return nil
}

// seal makes a document of a body.
func seal(b any) ([]byte, error) {
	text, err := plainJSON(b)
	if err == nil {
		text, err = canonicalJSON(text)
	}
	if err != nil {
		return nil, err
	}
	return document{text, digest(text), format, Version}.text()
}

// text is the document as it stands in a file. Its body, which may be large, is taken as it is.
func (d document) text() ([]byte, error) {
	body := d.Body
	d.Body = json.RawMessage("0")
	frame, err := plainJSON(d)
	if err != nil {
		return nil, err
	}
	before, after, _ := bytes.Cut(frame, d.Body) // the first member is the body
	return slices.Concat(before, body, after, []byte("\n")), nil
}

func digest(text []byte) string {
	sum := sha256.Sum256(text)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// exact decodes canonical JSON that says what its type says, and nothing else: encoding/json takes members whose names differ in case.
func exact(text []byte, into any) error {
	if err := strict(text, into); err != nil {
		return err
	}
	again, err := plainJSON(into)
	if err == nil {
		again, err = canonicalJSON(again)
	}
	if err == nil && !bytes.Equal(again, bytes.TrimSuffix(text, []byte("\n"))) {
		err = errors.New("it names members that are none")
	}
	return err
}

// Options are what a file is decoded with.
type Options struct {
	// Kinds are those of all systems.
	Kinds []reconcile.Kind
	// Secret makes a secret of its origin, "env NAME" or "file PATH"; it opens nothing. An error says that such an origin cannot be opened again.
	Secret func(origin string) (reconcile.Secret, error)
}

// Decode reads what [File.Encode] wrote. It refuses the whole file, with one error, when it is cut off, was changed, is of another version, or says what no plan says.
func Decode(data []byte, opts Options) (*File, error) {
	if len(data) > MaxSize {
		return nil, fmt.Errorf("it is larger than %d bytes", MaxSize)
	}
	var head struct {
		Format  string `json:"format"`
		Version int    `json:"version"`
	}
	if err := json.Unmarshal(data, &head); err != nil || head.Format != format {
		return nil, errors.New("it is no saved plan, or was cut off")
	}
	if head.Version != Version {
		return nil, fmt.Errorf("it has format version %d, and this program reads version %d: plan again with this program", head.Version, Version)
	}
	var doc document
	err := strict(data, &doc)
	whole, again := doc.text()
	if err != nil || again != nil || !bytes.Equal(whole, data) || digest(doc.Body) != doc.Digest {
		return nil, errors.New("it was changed after it was written: what it says is not what was planned")
	}
	var b body
	if err := exact(doc.Body, &b); err != nil {
		return nil, fmt.Errorf("it says what no plan says: %w", err)
	}
	f, err := b.file(loader{secret: opts.Secret, fields: FieldsOf(opts.Kinds)})
	if err != nil {
		return nil, fmt.Errorf("it says what no plan says: %w", err)
	}
	return f, nil
}

func (b body) file(l loader) (*File, error) {
	f := &File{Keymaker: b.Keymaker, Spec: b.Spec, Connections: make(map[string]reconcile.Block)}
	var err error
	if f.Created, err = time.Parse(time.RFC3339, b.Created); err != nil {
		return nil, err
	}
	if b.Key != "" {
		if f.key, err = hex.DecodeString(b.Key); err != nil {
			return nil, err
		}
	}
	if f.Plan, err = l.plan(b.Plan); err != nil {
		return nil, err
	}
	f.Plan.Made = f.Created
	if f.Wants, err = l.objects(b.Wants); err != nil {
		return nil, err
	}
	for _, g := range b.Grounds {
		o, err := l.object(g.Object)
		if err != nil {
			return nil, err
		}
		if fingerprint(o) != g.Fingerprint {
			return nil, fmt.Errorf("the fingerprint of %s is not its own", o.Addr)
		}
		f.Grounds = append(f.Grounds, o)
	}
	for system, c := range b.Connections {
		if f.Connections[system], err = l.block(c); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// Write saves a file, whole or not at all, for its owner only.
func (f *File) Write(path string, kinds []reconcile.Kind) error {
	data, err := f.Encode(kinds)
	if len(data) > MaxSize {
		err = fmt.Errorf("it takes %d bytes, and a file has at most %d: plan a part of the spec with --target", len(data), MaxSize)
	}
	if err == nil {
		err = renameio.WriteFile(path, data, 0o600)
	}
	if err != nil {
		return fmt.Errorf("save the plan: %w", err)
	}
	return nil
}

// Read loads a file. Errors name it.
func Read(path string, opts Options) (*File, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("saved plan: %w", err)
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, MaxSize+1))
	if err != nil {
		return nil, fmt.Errorf("saved plan: %w", err)
	}
	f, err := Decode(data, opts)
	if err != nil {
		return nil, fmt.Errorf("saved plan %s: %w", path, err)
	}
	return f, nil
}

// Context is what the plan is made from again: what it touches, and what that is planned with.
func (f *File) Context() []reconcile.Object { return reconcile.Context(f.Wants, f.Plan.Touched()) }

// Recheck holds the plan against what is live now; fresh is the comparison of now with [File.Context].
func (f *File) Recheck(now []reconcile.Object, fresh reconcile.Drift, kinds []reconcile.Kind) reconcile.Recheck {
	used := false
	m := masker{key: f.key, fields: FieldsOf(kinds), used: &used}
	return f.Plan.Recheck(f.Grounds, m.objects(now), fresh)
}

// CheckTargets refuses servers that are not those of the plan: another address, another product, another major version.
func (f *File) CheckTargets(now []reconcile.Target) error {
	for _, was := range f.Plan.Targets {
		i := slices.IndexFunc(now, func(t reconcile.Target) bool { return t.System == was.System })
		if i < 0 {
			return fmt.Errorf("the plan is for %s %s, and there is no connection to it", was.Title, was.URL)
		}
		if is := now[i]; is.URL != was.URL {
			return fmt.Errorf("the plan is for %s %s, and this is %s: nothing was written", was.Title, was.URL, is.URL)
		} else if major(is.Product) != major(was.Product) {
			return fmt.Errorf("the plan is for %s %s, and %s is %s now: nothing was written; plan again", was.Title, was.Product, is.URL, is.Product)
		}
	}
	return nil
}

// major is a product's edition and major version, "Enterprise 5" of "Enterprise 5.26.4, 3 members".
func major(product string) string {
	name, _, _ := strings.Cut(product, ".")
	return name
}

// Owns lists the own blocks by which the plan deletes.
func (f *File) Owns() []reconcile.Own {
	var owns []reconcile.Own
	for _, it := range f.Plan.Drift.Items {
		if it.Own != nil && !slices.ContainsFunc(owns, func(o reconcile.Own) bool {
			return o.Instance() == it.Own.Instance() && o.Kind == it.Own.Kind && o.Match == it.Own.Match
		}) {
			owns = append(owns, *it.Own)
		}
	}
	return owns
}
