package render

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // the page, its style and its script
	"encoding/base64"
	"fmt"
	"html/template"
	"slices"
	"strings"

	"keymaker/reconcile"
)

var (
	//go:embed page/drift.html
	driftPage string
	//go:embed page/drift.css
	driftStyle string
	//go:embed page/drift.js
	driftScript string

	driftTemplate = template.Must(template.New("drift").Parse(driftPage))
)

// DriftHTML is a comparison as one HTML file that needs no network: summary, what happened to access, what the checks found,
// every object with its differences, the access graph as a picture and
// a table, how complete the read was, and what is ignored. It reads without its script, which adds sorting and searching; its Content-Security-Policy allows nothing
// but that script and the style, by their hashes, so that no name can bring in another.
func DriftHTML(f Findings) ([]byte, error) {
	var b bytes.Buffer
	if err := driftTemplate.Execute(&b, htmlOf(f)); err != nil {
		return nil, fmt.Errorf("render HTML: %w", err)
	}
	return b.Bytes(), nil
}

type htmlDoc struct {
	Title, Policy, Summary, Read, Version, Completeness string

	Style      template.CSS
	Script     template.JS
	Counts     []htmlCount
	Access     []htmlAccess
	Objects    []htmlObject
	HasDetails bool
	Picture    *picture
	Edges      []htmlEdge
	Targets    []htmlTarget
	Ignored    []htmlIgnored
	Remarks    []string
	Widened    []htmlObject
	Checks     []htmlCheck
}

type htmlCount struct {
	N            int
	State, Class string
}

type htmlAccess struct {
	Account, Effect string
	Gains, Loses    []htmlNode
}

type htmlNode struct{ Kind, Name string }

type htmlObject struct {
	ID, Address, State, Class, Place, Said, Gravity string
	Rank                                            int // for sorting: the gravest last
	Differences                                     []htmlDifference
	Means, By                                       []string
}

type htmlDifference struct{ Name, Spec, Live, Place, Gravity string }

type htmlEdge struct{ FromKind, From, ToKind, To, Via string }

type htmlTarget struct{ Title, URL, Product, Calls, Read string }

type htmlIgnored struct{ Address, Attribute, Place string }

func htmlOf(f Findings) htmlDoc {
	doc := htmlDoc{
		Title: strings.TrimSuffix(strings.TrimPrefix(driftSummary(f.Drift), "Drift: "), "."), Summary: driftSummary(f.Drift), Version: Escape(f.Version),
		Style: template.CSS(driftStyle), Script: template.JS(driftScript), // our own, embedded
		Policy: fmt.Sprintf("default-src 'none'; style-src '%s'; script-src '%s'; base-uri 'none'; form-action 'none'", digest(driftStyle), digest(driftScript)),
		Access: htmlAccesses(f.drifted()), Completeness: completeness(f.Drift), Checks: htmlChecks(f.Checks),
	}
	if !f.At.IsZero() {
		doc.Read = stamp(f.At)
	}
	for _, s := range []reconcile.State{reconcile.Drifted, reconcile.Missing, reconcile.Extra, reconcile.Unreadable, reconcile.InSync, reconcile.Foreign} {
		if s == reconcile.Foreign && f.Drift.Count(s) == 0 {
			continue
		}
		doc.Counts = append(doc.Counts, htmlCount{f.Drift.Count(s), string(s), class(s)})
	}
	for _, it := range f.Drift.Items {
		if !told(it) {
			continue
		}
		o := htmlItem(it)
		if it.State != reconcile.InSync && it.State != reconcile.Foreign {
			o.ID = "object-" + itoa(len(doc.Objects)+1)
			doc.HasDetails = true
		}
		doc.Objects = append(doc.Objects, o)
		if it.Gravity.Grave() {
			doc.Widened = append(doc.Widened, o)
		}
		for _, name := range it.Ignored {
			doc.Ignored = append(doc.Ignored, htmlIgnored{Escape(it.Addr.String()), Escape(name), place(ignoredRange(it, name))})
		}
	}
	for _, t := range f.Targets {
		doc.Targets = append(doc.Targets, htmlTarget{Escape(t.Title), Escape(t.URL), Escape(t.Product), reading(t.Calls), readState(t.System, f.Drift)})
	}
	for _, r := range f.Remarks {
		doc.Remarks = append(doc.Remarks, Escape(r))
	}
	slices.SortStableFunc(doc.Widened, func(a, b htmlObject) int { return b.Rank - a.Rank })
	g := graphOf(f.Edges)
	for _, e := range g.edges() {
		doc.Edges = append(doc.Edges, htmlEdge{string(e.From.Kind), Escape(e.From.Label()), string(e.To.Kind), Escape(e.To.Label()), Escape(e.Via.String())})
	}
	if len(doc.Edges) > 0 {
		doc.Picture = draw(g, f.drifted())
	}
	return doc
}

// digest is a text's hash as a Content-Security-Policy names it.
func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

func class(s reconcile.State) string { return strings.ReplaceAll(string(s), " ", "-") }

func htmlItem(it reconcile.DriftItem) htmlObject {
	o := htmlObject{Address: Escape(it.Addr.String()), State: string(it.State), Class: class(it.State), Place: place(placeIn(it)), Said: strings.TrimSuffix(said(it), "."),
		Gravity: string(it.Gravity), Means: meanings(it), By: byLines(it)}
	o.Rank = slices.Index([]reconcile.Gravity{reconcile.Neutral, reconcile.Narrows, reconcile.Unknown, reconcile.Changes, reconcile.Widens}, it.Gravity)
	for _, d := range differences(it) {
		o.Differences = append(o.Differences, htmlDifference{d.name, d.spec, d.live, place(d.at), string(d.gravity)})
	}
	return o
}

// htmlAccesses lists accounts that gained before those that only lost.
func htmlAccesses(changes []reconcile.AccessChange) []htmlAccess {
	var all []htmlAccess
	for _, c := range changes {
		all = append(all, htmlAccess{Escape(c.Account), c.Effect(), htmlNodes(c.Gains), htmlNodes(c.Loses)})
	}
	slices.SortStableFunc(all, func(a, b htmlAccess) int {
		rank := func(a htmlAccess) int {
			return slices.Index([]string{reconcile.EffectWidens, reconcile.EffectChanges, reconcile.EffectNarrows, reconcile.EffectNeutral}, a.Effect)
		}
		return rank(a) - rank(b)
	})
	return all
}

func htmlNodes(nodes []reconcile.Node) []htmlNode {
	var all []htmlNode
	for _, n := range nodes {
		all = append(all, htmlNode{string(n.Kind), Escape(n.Label())})
	}
	return all
}

func completeness(d reconcile.Drift) string {
	if n := d.Count(reconcile.Unreadable); n > 0 {
		return count(n, "object") + " could not be read; nothing is known about what they are like."
	}
	return "Everything that the spec names was read completely."
}
