package render

import (
	"bytes"
	"encoding/json"
	"fmt"
	"unicode"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"

	"keymaker/reconcile"
)

// formatVersion is the version of the JSON that is Keymaker's own. Adding a member leaves it; changing or removing one raises it.
const formatVersion = "1.0"

// document is v as indented JSON, ending in a line break.
func document(v any) ([]byte, error) { return marshal(v, "  ") }

// jsonLine is v as JSON on one line, ending in a line break.
func jsonLine(v any) ([]byte, error) { return marshal(v, "") }

func marshal(v any, indent string) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", indent)
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("render JSON: %w", err)
	}
	return printable(b.Bytes()), nil
}

// printable spells characters that could act on a terminal (C1 controls, bidirectional marks) as JSON escapes; encoding/json does so only for those below a
// blank. Such characters can only stand inside of strings, where the escape means the same.
func printable(text []byte) []byte {
	out := make([]byte, 0, len(text))
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		switch {
		case r == '\n' || unicode.IsPrint(r):
			out = append(out, text[i:i+size]...)
		case r > 0xffff:
			r -= 0x10000
			out = fmt.Appendf(out, `\u%04x\u%04x`, 0xd800+(r>>10), 0xdc00+(r&0x3ff))
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
		i += size
	}
	return out
}

type placeJSON struct {
	Filename string `json:"filename"`
	Line     int    `json:"line"`
}

func placeOf(r hcl.Range) *placeJSON {
	if r.Filename == "" || r.Start.Line == 0 {
		return nil
	}
	return &placeJSON{r.Filename, r.Start.Line}
}

type accessJSON struct {
	Account string     `json:"account"`
	Effect  string     `json:"effect"`
	Gains   []nodeJSON `json:"gains"`
	Loses   []nodeJSON `json:"loses"`
	// LaterGains and LaterLoses are those of them that come about only once people did what is pending.
	LaterGains []nodeJSON `json:"later_gains,omitempty"`
	LaterLoses []nodeJSON `json:"later_loses,omitempty"`
}

type nodeJSON struct {
	Kind string `json:"kind"`
	Name string `json:"name"`
	On   string `json:"on,omitempty"` // a named connection: neo4j.eu
}

func jsonOfNode(n reconcile.Node) nodeJSON { return nodeJSON{string(n.Kind), n.Name, n.On} }

func accessOf(changes []reconcile.AccessChange) []accessJSON {
	out := make([]accessJSON, len(changes))
	for i, c := range changes {
		out[i] = jsonOfAccess(c)
	}
	return out
}

func jsonOfAccess(c reconcile.AccessChange) accessJSON {
	return accessJSON{Account: c.Account, Effect: c.Effect(), Gains: nodesOf(c.Gains), Loses: nodesOf(c.Loses),
		LaterGains: nodesOf(c.LaterGains), LaterLoses: nodesOf(c.LaterLoses)}
}

func nodesOf(ns []reconcile.Node) []nodeJSON {
	out := make([]nodeJSON, len(ns))
	for i, n := range ns {
		out[i] = jsonOfNode(n)
	}
	return out
}

type tallyJSON struct {
	What   string `json:"what"`
	N      int    `json:"n"`
	Bucket string `json:"bucket,omitempty"`
}

func talliesOf(ts []reconcile.Tally) []tallyJSON {
	out := make([]tallyJSON, len(ts))
	for i, t := range ts {
		out[i] = tallyJSON{What: t.What, N: t.N, Bucket: t.Bucket}
	}
	return out
}

// actionWord is an action as Terraform's representations spell it.
func actionWord(a reconcile.Action) string {
	switch a {
	case reconcile.ActionCreate:
		return "create"
	case reconcile.ActionDelete:
		return "delete"
	}
	return "update"
}

// orEmpty keeps a list that is empty from becoming null.
func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
