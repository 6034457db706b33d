package planfile

import (
	"encoding/json"
	"fmt"

	"github.com/hashicorp/hcl/v2"

	"keymaker/reconcile"
)

type address struct {
	Module     string `json:"module,omitempty"`
	System     string `json:"system"`
	Connection string `json:"connection,omitempty"`
	Parent     string `json:"parent,omitempty"`
	Kind       string `json:"kind"`
	Name       string `json:"name"`
	Key        string `json:"key,omitempty"`
}

func addrOf(a reconcile.Addr) address { return address(a) }

func (a address) addr() reconcile.Addr { return reconcile.Addr(a) }

func addrsOf(as []reconcile.Addr) []address {
	if as == nil {
		return nil
	}
	out := make([]address, len(as))
	for i, a := range as {
		out[i] = addrOf(a)
	}
	return out
}

func addrs(as []address) []reconcile.Addr {
	if as == nil {
		return nil
	}
	out := make([]reconcile.Addr, len(as))
	for i, a := range as {
		out[i] = a.addr()
	}
	return out
}

// span is a place in a file: line, column and byte of its start and its end.
type span struct {
	File  string `json:"file"`
	Start [3]int `json:"start"`
	End   [3]int `json:"end"`
}

func spanOf(r hcl.Range) *span {
	if r == (hcl.Range{}) {
		return nil
	}
	return &span{r.Filename, [3]int{r.Start.Line, r.Start.Column, r.Start.Byte}, [3]int{r.End.Line, r.End.Column, r.End.Byte}}
}

func (s *span) place() hcl.Range {
	if s == nil {
		return hcl.Range{}
	}
	at := func(p [3]int) hcl.Pos { return hcl.Pos{Line: p[0], Column: p[1], Byte: p[2]} }
	return hcl.Range{Filename: s.File, Start: at(s.Start), End: at(s.End)}
}

type item struct {
	Key     string          `json:"key,omitempty"`
	Value   json.RawMessage `json:"value"`
	Place   *span           `json:"place,omitempty"`
	Literal bool            `json:"literal,omitempty"`
}

type attribute struct {
	Name  string          `json:"name"`
	Value json.RawMessage `json:"value"`
	Place *span           `json:"place,omitempty"`
	Items []item          `json:"items,omitempty"`
}

type note struct {
	Label string `json:"label"`
	Text  string `json:"text"`
}

type lifecycle struct {
	PreventDestroy bool     `json:"prevent_destroy,omitempty"`
	IgnoreChanges  []string `json:"ignore_changes,omitempty"`
	Place          *span    `json:"place,omitempty"`
}

func lifecycleOf(l reconcile.Lifecycle) lifecycle {
	return lifecycle{l.PreventDestroy, l.IgnoreChanges, spanOf(l.Range)}
}

func (l lifecycle) value() reconcile.Lifecycle {
	return reconcile.Lifecycle{PreventDestroy: l.PreventDestroy, IgnoreChanges: l.IgnoreChanges, Range: l.Place.place()}
}

type object struct {
	Address    address                    `json:"address"`
	Attributes []attribute                `json:"attributes,omitempty"`
	Facts      map[string]json.RawMessage `json:"facts,omitempty"`
	Needs      []address                  `json:"needs,omitempty"`
	Reference  bool                       `json:"reference,omitempty"`
	Absent     bool                       `json:"absent,omitempty"`
	Formerly   []string                   `json:"formerly,omitempty"`
	Lifecycle  lifecycle                  `json:"lifecycle,omitzero"`
	Place      *span                      `json:"place,omitempty"`
	Protected  string                     `json:"protected,omitempty"`
	Notes      []note                     `json:"notes,omitempty"`
}

func raw(v reconcile.Value) (json.RawMessage, error) { return value{v}.MarshalJSON() }

func itemsOf(items []reconcile.Item) ([]item, error) {
	var out []item
	for _, it := range items {
		v, err := raw(it.Value)
		if err != nil {
			return nil, err
		}
		out = append(out, item{it.Key, v, spanOf(it.Range), it.Literal})
	}
	return out, nil
}

func (l loader) items(items []item) ([]reconcile.Item, error) {
	var out []reconcile.Item
	for _, it := range items {
		v, err := l.value(it.Value)
		if err != nil {
			return nil, err
		}
		out = append(out, reconcile.Item{Key: it.Key, Value: v, Range: it.Place.place(), Literal: it.Literal})
	}
	return out, nil
}

func objectOf(o reconcile.Object) (object, error) {
	out := object{
		Address: addrOf(o.Addr), Needs: addrsOf(o.Needs), Reference: o.Reference, Absent: o.Absent, Formerly: o.Formerly,
		Lifecycle: lifecycleOf(o.Lifecycle), Place: spanOf(o.Range), Protected: o.Protected,
	}
	for _, a := range o.Attrs {
		v, err := raw(a.Value)
		if err != nil {
			return out, fmt.Errorf("%s: %s: %w", o.Addr, a.Name, err)
		}
		items, err := itemsOf(a.Items)
		if err != nil {
			return out, fmt.Errorf("%s: %s: %w", o.Addr, a.Name, err)
		}
		out.Attributes = append(out.Attributes, attribute{a.Name, v, spanOf(a.Range), items})
	}
	for name, f := range o.Facts {
		v, err := raw(f)
		if err != nil {
			return out, fmt.Errorf("%s: %s: %w", o.Addr, name, err)
		}
		if out.Facts == nil {
			out.Facts = make(map[string]json.RawMessage)
		}
		out.Facts[name] = v
	}
	for _, n := range o.Notes {
		out.Notes = append(out.Notes, note(n))
	}
	return out, nil
}

func (l loader) object(o object) (reconcile.Object, error) {
	out := reconcile.Object{
		Addr: o.Address.addr(), Needs: addrs(o.Needs), Reference: o.Reference, Absent: o.Absent, Formerly: o.Formerly,
		Lifecycle: o.Lifecycle.value(), Range: o.Place.place(), Protected: o.Protected,
	}
	for _, a := range o.Attributes {
		v, err := l.value(a.Value)
		if err != nil {
			return out, fmt.Errorf("%s: %s: %w", out.Addr, a.Name, err)
		}
		items, err := l.items(a.Items)
		if err != nil {
			return out, fmt.Errorf("%s: %s: %w", out.Addr, a.Name, err)
		}
		out.Set(reconcile.Attr{Name: a.Name, Value: v, Range: a.Place.place(), Items: items})
	}
	for name, f := range o.Facts {
		v, err := l.value(f)
		if err != nil {
			return out, fmt.Errorf("%s: %s: %w", out.Addr, name, err)
		}
		if out.Facts == nil {
			out.Facts = make(map[string]reconcile.Value)
		}
		out.Facts[name] = v
	}
	for _, n := range o.Notes {
		out.Notes = append(out.Notes, reconcile.Note(n))
	}
	return out, nil
}

func objectsOf(objects []reconcile.Object) ([]object, error) {
	var out []object
	for _, o := range objects {
		j, err := objectOf(o)
		if err != nil {
			return nil, err
		}
		out = append(out, j)
	}
	return out, nil
}

func (l loader) objects(objects []object) ([]reconcile.Object, error) {
	var out []reconcile.Object
	for _, o := range objects {
		j, err := l.object(o)
		if err != nil {
			return nil, err
		}
		out = append(out, j)
	}
	return out, nil
}

// block is a connection block.
type block struct {
	Address   *address            `json:"address,omitempty"`
	Type      string              `json:"type,omitempty"`
	Name      string              `json:"name,omitempty"`
	Fields    map[string]argument `json:"fields,omitempty"`
	Blocks    []block             `json:"blocks,omitempty"`
	Place     *span               `json:"place,omitempty"`
	Needs     []address           `json:"needs,omitempty"`
	Lifecycle lifecycle           `json:"lifecycle,omitzero"`
	Dir       string              `json:"dir,omitempty"`
}

type argument struct {
	Value json.RawMessage `json:"value"`
	Place *span           `json:"place,omitempty"`
	Items []item          `json:"items,omitempty"`
}

func blockOf(b reconcile.Block) (block, error) {
	out := block{Type: b.Type, Name: b.Name, Place: spanOf(b.Range), Needs: addrsOf(b.Needs), Lifecycle: lifecycleOf(b.Lifecycle), Dir: b.Dir}
	if !b.Addr.IsZero() {
		a := addrOf(b.Addr)
		out.Address = &a
	}
	for name, f := range b.Fields {
		v, err := raw(f.Value)
		if err != nil {
			return out, fmt.Errorf("connection: %s: %w", name, err)
		}
		items, err := itemsOf(f.Items)
		if err != nil {
			return out, fmt.Errorf("connection: %s: %w", name, err)
		}
		if out.Fields == nil {
			out.Fields = make(map[string]argument)
		}
		out.Fields[name] = argument{v, spanOf(f.Range), items}
	}
	for _, inner := range b.Blocks {
		j, err := blockOf(inner)
		if err != nil {
			return out, err
		}
		out.Blocks = append(out.Blocks, j)
	}
	return out, nil
}

func (l loader) block(b block) (reconcile.Block, error) {
	out := reconcile.Block{Type: b.Type, Name: b.Name, Range: b.Place.place(), Needs: addrs(b.Needs), Lifecycle: b.Lifecycle.value(), Dir: b.Dir}
	if b.Address != nil {
		out.Addr = b.Address.addr()
	}
	for name, f := range b.Fields {
		v, err := l.value(f.Value)
		if err != nil {
			return out, fmt.Errorf("connection: %s: %w", name, err)
		}
		items, err := l.items(f.Items)
		if err != nil {
			return out, fmt.Errorf("connection: %s: %w", name, err)
		}
		if out.Fields == nil {
			out.Fields = make(map[string]reconcile.Argument)
		}
		out.Fields[name] = reconcile.Argument{Value: v, Range: f.Place.place(), Items: items}
	}
	for _, inner := range b.Blocks {
		j, err := l.block(inner)
		if err != nil {
			return out, err
		}
		out.Blocks = append(out.Blocks, j)
	}
	return out, nil
}
