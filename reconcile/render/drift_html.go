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

	Gravities, Undoing string // what the drift does to access, counted; what takes it back
	Details, Folds     []htmlFold
	Style              template.CSS
	Script             template.JS
	Counts             []htmlCount
	Access             []htmlAccess
	Objects            []htmlObject
	Picture            *picture
	Edges              []htmlEdge
	Targets            []htmlTarget
	Ignored            []htmlIgnored
	Remarks            []string
	Widened            []htmlObject
	Checks             []htmlCheck
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
	Means, By, Remedies                             []string
}

// htmlDifference is one attribute. Of an object with several, Means and By are its own.
type htmlDifference struct {
	Name, Place, Gravity, By string
	Sides                    []htmlSides
	Means                    []string
}

// htmlSides is what one attribute is in the spec and live; of a set, one for each member that differs.
type htmlSides struct{ Spec, Live string }

// htmlFold is objects whose details are shown together. Text says of which sort they are.
type htmlFold struct {
	Text    string
	Objects []htmlObject
}

type htmlEdge struct{ FromKind, From, ToKind, To, Hop, Via string }

type htmlTarget struct{ Title, URL, Product, Calls, Read string }

type htmlIgnored struct{ Address, Attribute, Place string }

func htmlOf(f Findings) htmlDoc {
	doc := htmlDoc{
		Title: strings.TrimSuffix(strings.TrimPrefix(driftSummary(f.Drift), "Drift: "), "."), Summary: driftSummary(f.Drift), Version: Escape(f.Version),
		Style: template.CSS(driftStyle), Script: template.JS(driftScript), // our own, embedded
		Policy:    fmt.Sprintf("default-src 'none'; style-src '%s'; script-src '%s'; base-uri 'none'; form-action 'none'", digest(driftStyle), digest(driftScript)),
		Gravities: graveness(f.Drift), Undoing: undoing(f.Drift),
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
	var details []htmlObject
	for _, it := range gravest(f.Drift.Items) {
		if !belongs(it) {
			continue
		}
		o := htmlItem(it)
		if it.State != reconcile.InSync && it.State != reconcile.Foreign {
			o.ID = "object-" + itoa(len(doc.Objects)+1)
			o.Remedies = remedies(it)
			details = append(details, o)
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
	doc.Details, doc.Folds = unfolded(details)
	g := graphOf(f.Edges).withTokens(f.Tokens)
	for _, e := range g.edges() {
		doc.Edges = append(doc.Edges, htmlEdge{string(e.From.Kind), Escape(e.From.Label()), string(e.To.Kind), Escape(e.To.Label()), g.hop(e), Escape(e.Via.String())})
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
		Gravity: string(it.Gravity), By: shared(it)}
	o.Rank = slices.Index([]reconcile.Gravity{reconcile.Neutral, reconcile.Narrows, reconcile.Unknown, reconcile.Changes, reconcile.Widens}, it.Gravity)
	for _, d := range it.Diffs {
		at := d.Range
		if at.Filename == "" {
			at = it.Want.Range
		}
		var names []string
		sides := make(map[string][]htmlSides)
		for _, one := range differencesOf(d) {
			if sides[one.name] == nil {
				names = append(names, one.name)
			}
			sides[one.name] = append(sides[one.name], htmlSides{one.spec, one.live})
		}
		for i, name := range names {
			row := htmlDifference{Name: name, Place: place(at), Gravity: string(d.Gravity), Sides: sides[name]}
			if i == 0 {
				row.Means, row.By = diffMeans(d), byOfDiff(it, d)
			}
			o.Differences = append(o.Differences, row)
		}
	}
	it.Diffs = nil
	o.Means = meanings(it)
	return o
}

// openMost is how many objects show their details at once, the gravest; the rest is folded in groups of this number.
const openMost = 50

// unfolded divides details into those that are shown at once and groups of the rest, of which each says what it holds.
func unfolded(details []htmlObject) (open, folds []htmlFold) {
	for from := 0; from < len(details); from += openMost {
		part := details[from:min(from+openMost, len(details))]
		if from == 0 {
			open = append(open, htmlFold{Objects: part})
			continue
		}
		folds = append(folds, htmlFold{fmt.Sprintf("Objects %d to %d of %d: %s", from+1, from+len(part), len(details), inWords(part)), part})
	}
	return open, folds
}

// inWords counts objects by state and gravity, as they come.
func inWords(objects []htmlObject) string {
	var sorts []string
	n := make(map[string]int)
	for _, o := range objects {
		sort := o.State
		if graver(reconcile.Gravity(o.Gravity)) {
			sort += " (" + o.Gravity + ")"
		}
		if n[sort]++; n[sort] == 1 {
			sorts = append(sorts, sort)
		}
	}
	for i, sort := range sorts {
		sorts[i] = itoa(n[sort]) + " " + sort
	}
	return strings.Join(sorts, ", ")
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
		return Count(n, "object") + " could not be read; nothing is known about what they are like."
	}
	return "Everything that the spec names was read completely."
}

// HasSpec and HasLive say whether a side has anything of an attribute.
func (d htmlDifference) HasSpec() bool {
	return slices.ContainsFunc(d.Sides, func(s htmlSides) bool { return s.Spec != "" })
}

// HasLive is that of the live side.
func (d htmlDifference) HasLive() bool {
	return slices.ContainsFunc(d.Sides, func(s htmlSides) bool { return s.Live != "" })
}

// briefMost is how many lines say in the list of what widened what an object means; its details have all.
const briefMost = 4

// Brief is the first of what an object means, its differences' first, and how much more there is.
func (o htmlObject) Brief() []string {
	var all []string
	for _, d := range o.Differences {
		all = append(all, d.Means...)
	}
	all = append(all, o.Means...)
	if n := len(all) - briefMost; n > 1 {
		return append(all[:briefMost:briefMost], "And "+itoa(n)+" more")
	}
	return all
}
