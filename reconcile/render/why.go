package render

import (
	"io"

	"github.com/charmbracelet/lipgloss"
	"github.com/hashicorp/hcl/v2"

	"keymaker/reconcile"
)

// Why writes the answer to a why-question: yes or no, each hop with the object that makes it so and its place in the spec, and, where the answer is no, the first hop that is
// missing and what would give it.
func Why(w io.Writer, why reconcile.Why, s Style) error {
	pg := newPage(w, s)
	head, ink := "yes", pg.added
	if !why.Yes {
		head, ink = "no", pg.removed
	}
	pg.line(ink.Bold(true).Render(head), ": ", phrase(why.Account))
	hops := why.Hops
	if !why.Yes {
		hops = append(hops[:len(hops):len(hops)], why.Missing)
	}
	var verb, what int
	for _, h := range hops {
		verb, what = max(verb, lipgloss.Width(h.Verb)), max(what, lipgloss.Width(Escape(h.What)))
	}
	const wide = 44 // columns of a text that others are aligned to
	what = min(what, wide)
	pad := func(text string, to int) string {
		for lipgloss.Width(text) < to {
			text += " "
		}
		return text
	}
	for i, h := range hops {
		text := "  " + pad(h.Verb, verb) + "  " + pad(Escape(h.What), what)
		if h.By != "" {
			text += "  " + Escape(h.By)
		}
		if !why.Yes && i == len(hops)-1 {
			text = pg.loud.Render(text)
		}
		pg.placed(text, hopPlace(h))
	}
	if why.Yes {
		pg.line("  not denied")
	} else {
		pg.gap()
		pg.prose(why.Missing.Remedy)
	}
	return pg.flush()
}

// hopPlace is where the spec makes a hop so, else the live object that does.
func hopPlace(h reconcile.WhyHop) string {
	if at := place(h.Range); at != "" {
		return at
	}
	if h.Addr.IsZero() {
		return ""
	}
	return Escape(h.Addr.String()) + " (live)"
}

type whyJSON struct {
	FormatVersion string       `json:"format_version"`
	Account       string       `json:"account"`
	Address       string       `json:"address"`
	Question      string       `json:"question"`
	Parts         []string     `json:"parts"`
	Needs         []string     `json:"needs"`
	Answer        string       `json:"answer"`
	Hops          []whyHopJSON `json:"hops"`
	Missing       *whyHopJSON  `json:"missing"`
	Remedy        string       `json:"remedy"`
}

type whyHopJSON struct {
	Hop     string     `json:"hop"`
	What    string     `json:"what"`
	By      string     `json:"by"`
	Address string     `json:"address"`
	Place   *placeJSON `json:"place"`
}

// WhyJSON is the answer to a why-question as a document.
func WhyJSON(why reconcile.Why) ([]byte, error) {
	one := func(h reconcile.WhyHop) whyHopJSON {
		out := whyHopJSON{Hop: h.Verb, What: h.What, By: h.By, Place: placeOf(h.Range)}
		if !h.Addr.IsZero() {
			out.Address = h.Addr.String()
		}
		return out
	}
	doc := whyJSON{FormatVersion: formatVersion, Account: why.Account, Question: why.Question.Text, Parts: orEmpty(why.Question.Parts), Needs: orEmpty(why.Question.Needs),
		Answer: "yes", Hops: []whyHopJSON{}, Remedy: why.Missing.Remedy}
	if !why.Addr.IsZero() {
		doc.Address = why.Addr.String()
	}
	for _, h := range why.Hops {
		doc.Hops = append(doc.Hops, one(h))
	}
	if !why.Yes {
		missing := one(why.Missing)
		doc.Answer, doc.Missing = "no", &missing
	}
	return document(doc)
}

// Question writes a mistake in a question, with carets under the part that is meant.
func Question(w io.Writer, e *reconcile.QuestionError, s Style) error {
	const name = "the question"
	at := func(n int) hcl.Pos { return hcl.Pos{Line: 1, Column: n + 1, Byte: n} }
	r := hcl.Range{Filename: name, Start: at(e.Offset), End: at(e.Offset + e.Length)}
	d := &hcl.Diagnostic{Severity: hcl.DiagError, Summary: e.Summary, Detail: e.Remedy, Subject: &r}
	return Diagnostics(w, hcl.Diagnostics{d}, map[string]*hcl.File{name: {Bytes: []byte(e.Text)}}, s)
}
